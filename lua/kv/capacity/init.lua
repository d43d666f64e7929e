--- Room for what is written. What adds is refused while memory or disk is short; what
-- deletes goes on, with the reserves of both.
local changes = require('kv.data.change_log')
local disk = require('kv.capacity.disk')
local errors = require('kv.base.errors')
local memory = require('kv.capacity.memory')

local M = {}

--- What is done for a write that found no memory, one after the other.
local STEPS = {
    memory.collect,
    memory.release,
    changes.shed,
    changes.clear,
}

--- The steps open to what adds: the log gives way to it only where there is room, and no
-- place among the slabs.
local COLLECT, RELEASE = 1, 2

--- After all steps a write goes without its entry in the log of changes.
M.LAST_STEP = #STEPS

--- Before anything is touched. Raises kv.MemoryFull, kv.DiskFull.
---@param bytes number that are to be added
function M.admit(bytes)
    if not disk.admits(bytes) then
        errors.raise('DiskFull')
    end
    if not memory.admits(bytes) then
        memory.collect()
        if not memory.admits(bytes) then
            errors.raise('MemoryFull')
        end
    end
end

--- A small write that must go on, as a deletion does: what ends tokens, say. It does not wait
-- in between, so that what it rests on holds.
---@param write function may be called twice
function M.spare(write)
    local ok, failure = pcall(write)
    if ok then
        return
    end
    if not memory.is_lacking(failure) then
        error(failure, 0)
    end
    memory.release()
    collectgarbage() -- Lua refers to what it has deleted
    write()
end

--- Makes room for a write that failed, and was rolled back; may yield. Raises kv.MemoryFull
-- where no more can be done, or the failure itself where it is another one.
---@param failure any
---@param step number what was done before, 0 at first
---@param adds number|nil bytes; nil: it is a deletion
---@return number step what is done now
function M.make(failure, step, adds)
    if not memory.is_lacking(failure) then
        error(failure, 0)
    end
    step = step + 1
    if step == RELEASE and (adds ~= nil or not memory.is_held()) then
        step = RELEASE + 1
    end
    if step > #STEPS or (adds ~= nil and step > COLLECT and not memory.is_roomy(adds)) then
        errors.raise('MemoryFull')
    end
    pcall(STEPS[step]) -- it may find no memory, or no disk, itself
    if step > COLLECT then
        collectgarbage() -- Lua refers to what it has deleted
    end
    return step
end

return M
