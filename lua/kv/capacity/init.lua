--- Capacity for writes. A write that adds data is refused while memory or disk is short. A
-- deletion proceeds: it may use the reserves of both, and releasable data.
local monotonic = require('clock').monotonic

local disk = require('kv.capacity.disk')
local errors = require('kv.base.errors')
local leader = require('kv.base.leader')
local memory = require('kv.capacity.memory')
local peers = require('kv.capacity.peers')

local M = {}

---@class Releasable data that is deleted when memory or disk is short
---@field space string the name of its space
---@field bytes fun():number
---@field shed fun() deletes a part, in a transaction of its own
---@field clear fun() deletes all of it

--- Seconds for which a refusal counts in `has_refused`: longer than the usual 15 s between two
-- scrapes of metrics.
local RECENT = 30

local refused_at = -math.huge -- monotonic: when a write was last refused

local function refuse(name)
    refused_at = monotonic()
    errors.raise(name)
end

--- Whether a write was refused lately because memory or disk was full.
---@return boolean
function M.has_refused()
    return monotonic() - refused_at < RECENT
end

local releasable = { shed = function() end, clear = function() end }

--- What frees memory for a write that found none, one step after the other.
local STEPS = {
    memory.collect_garbage,
    memory.release_reserve,
    function() releasable.shed() end,
    function() releasable.clear() end,
}

--- A write that adds data never gets the reserve. It gets the steps after that only where
-- there is free memory, though none that fits its tuples.
local COLLECT_GARBAGE, RELEASE_RESERVE = 1, 2

--- After the last step a write must do without what it adds to the releasable data.
M.LAST_STEP = #STEPS

--- Registers the data that may be deleted, before the first write.
---@param given Releasable
function M.register_releasable(given)
    releasable = given
    disk.register_releasable(given)
end

--- Checks that a write fits, before it changes anything. Raises kv.MemoryFull, kv.DiskFull.
---@param bytes number that the write adds
---@param values string[]|nil the added ones
function M.admit(bytes, values)
    disk.refresh(bytes)
    if not disk.admits(bytes) then
        disk.free_space()
        refuse('DiskFull')
    end
    if leader.is_clustered() then
        local shortage = peers.shortage(bytes, values)
        if shortage ~= nil then
            refuse(shortage)
        end
    end
    memory.refill_reserve()
    if not memory.admits(bytes) then
        memory.collect_garbage()
        memory.refill_reserve()
        if not memory.admits(bytes) then
            refuse('MemoryFull')
        end
    end
    disk.spend(bytes)
    if leader.is_clustered() then
        peers.spend(bytes, values)
    end
end

--- Whether a write fits. For one that can wait: it does not count as refused.
---@param bytes number that the write adds
---@return boolean
function M.admits(bytes)
    disk.refresh(bytes)
    memory.refill_reserve()
    return disk.admits(bytes) and memory.admits(bytes)
        and not (leader.is_clustered() and peers.shortage(bytes) ~= nil)
end

--- Runs a small write that must not be refused because memory is short: one that ends tokens,
-- for example. It does not yield between the attempts, so what the write is based on still holds.
---@param write function may be called twice
function M.with_reserve(write)
    local ok, failure = pcall(write)
    if ok then
        return
    end
    if not memory.is_out_of_memory(failure) then
        error(failure, 0)
    end
    memory.release_reserve()
    collectgarbage() -- Lua refers to the deleted tuples
    write()
end

--- Frees memory for a write that failed and was rolled back; may yield. Raises kv.MemoryFull
-- where no more can be freed, or the failure itself where it has another reason.
---@param failure any
---@param step number the last step taken for this write, 0 at first
---@param added_bytes number|nil nil: the write is a deletion
---@return number step the one taken now
function M.free_memory(failure, step, added_bytes)
    if not memory.is_out_of_memory(failure) then
        if type(failure) == 'cdata' and failure.code == box.error.WAL_IO then
            refused_at = monotonic()
        end
        error(failure, 0)
    end
    local is_deletion = added_bytes == nil
    step = step + 1
    if step == RELEASE_RESERVE and not (is_deletion and memory.has_reserve()) then
        step = RELEASE_RESERVE + 1
    end
    local may_continue = is_deletion or step <= COLLECT_GARBAGE
        or memory.has_headroom(added_bytes)
    if step > #STEPS or not may_continue then
        refuse('MemoryFull')
    end
    pcall(STEPS[step]) -- it may find no memory, or no disk, itself
    if step > COLLECT_GARBAGE then
        collectgarbage() -- Lua refers to the deleted tuples
    end
    return step
end

return M
