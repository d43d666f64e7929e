--- The memory of a follower for what the leader adds, as the follower reports it and the leader
-- counts it. The leader tries an addition that may not fit, but a follower has to apply what the
-- leader has committed. So whole slabs count, which tuples of any size can use. Where there are
-- none, only deletions make space, in slabs of the sizes of the deleted tuples: then it counts how
-- much more is free than when the slabs ran out.
local log = require('log')

local memory = require('kv.capacity.memory')

local M = {}

local ARENA_SLAB = memory.ARENA_SLAB

--- A size of tuple has slabs of this many tuples, of a slab of the arena at most. Larger tuples
-- than a quarter of that have an allocation of their own.
local TUPLES_PER_SLAB = 128
local MAX_SLAB_TUPLE = ARENA_SLAB / 4

--- Bytes: a smaller slab is found among what is free.
local LARGE_SLAB = 1024 * 1024

--- A tuple is in slabs of a size that is less than this many times its own.
local SIZE_RATIO = 1.5

--- Tuples for which a slab keeps space: they may have been in flight when it was reported.
local IN_FLIGHT = 4

--- Bytes of free slabs that a follower keeps for deletions, and for additions that were in flight
-- when it reported its memory; and of those for indexes.
local FOLLOWER_MARGIN = 4 * 1024 * 1024
local INDEX_MARGIN = 1024 * 1024

--- A follower whose slabs have run out takes additions again when this share of the memory has been
-- deleted.
local DELETED_SHARE = 1 / 32

local exhausted_at -- the free bytes when the slabs ran out; nil: there are some

--- Bytes of slabs for tuples and for indexes that are free, or that the arena may still add.
local function free_slabs(slabs, pools, unused)
    local last = pools[#pools] -- that of the indexes
    local index = last.slab_size * last.slab_count
    local index_slabs = math.ceil(index / ARENA_SLAB) * ARENA_SLAB
    local new = unused - unused % ARENA_SLAB
    local for_tuples = slabs.arena_size - index_slabs - slabs.items_size
    local for_indexes = index_slabs - (slabs.arena_used - slabs.items_used)
    return new + for_tuples, new + for_indexes
end

local function is_large(size)
    return size * TUPLES_PER_SLAB > LARGE_SLAB
end

--- What is free in the slabs of large tuples: their sizes, and bytes.
local function free_in_slabs(pools)
    local found = {}
    for i = 1, #pools - 1 do
        if is_large(pools[i].item_size) then
            table.insert(found, { pools[i].item_size, pools[i].mem_free })
        end
    end
    return found
end

---@class FreeMemory what a follower reports
---@field slabs number bytes for tuples in slabs
---@field large number bytes for tuples with an allocation of their own
---@field sizes table[] of large tuples: {size, bytes that are free in slabs of it}
---@field size number bytes of the whole memory, without the headroom of a start

local function report(slabs, large, tuple_sizes)
    local size = box.cfg.memtx_memory - memory.START_HEADROOM_BYTES
    return { slabs = math.max(0, slabs), large = large, sizes = tuple_sizes, size = size }
end

--- The memory of this node, a follower.
---@return FreeMemory
function M.available()
    local slabs, pools, free = box.slab.info(), box.slab.stats(), memory.free_bytes()
    local unused = tonumber(slabs.quota_size - slabs.quota_used)
    local for_tuples, for_indexes = free_slabs(slabs, pools, unused)
    local found = tonumber(for_tuples) - FOLLOWER_MARGIN
    if found > 0 then
        exhausted_at = nil
    else
        exhausted_at = exhausted_at or free
        found = free - exhausted_at - box.cfg.memtx_memory * DELETED_SHARE
    end
    if for_indexes < INDEX_MARGIN then
        found = 0
    end
    if found > 0 then
        memory.refill_reserve()
    else
        memory.collect_garbage()
    end
    return report(memory.has_whole_reserve() and found or 0, unused, free_in_slabs(pools))
end

--- Gives memory of a follower to a write of the leader that has found none: the reserve, and the
-- next time the headroom of a start, which may become a slab that is in one piece.
---@return FreeMemory
function M.exhaust()
    exhausted_at = math.max(exhausted_at or 0, memory.free_bytes())
    if memory.has_reserve() then
        memory.release_reserve()
    elseif box.space.kv_reserve:len() > 0 then
        log.warn('kv: a write of the leader found no memory: it gets the headroom of a start')
        memory.release_start_headroom()
    end
    collectgarbage() -- Lua refers to the deleted tuples
    return report(0, 0, {})
end

--- The slabs of large tuples that an addition uses: the bytes of the largest new one, and the
-- bytes that it takes of the reported ones, by their positions.
local function plan(available, bytes, values)
    local new, taken = 0, {}
    local function add(size)
        for i, slabs in ipairs(available.sizes) do
            if size < slabs[1] and slabs[1] < SIZE_RATIO * size
                    and (taken[i] or 0) + IN_FLIGHT * slabs[1] <= slabs[2] then
                taken[i] = (taken[i] or 0) + slabs[1]
                return
            end
        end
        new = math.max(new, math.min(size * TUPLES_PER_SLAB, ARENA_SLAB))
    end
    if is_large(bytes) then
        add(bytes) -- of the change log
        for _, value in ipairs(values or {}) do
            if value ~= nil and is_large(#value) then -- null: it is deleted
                add(#value)
            end
        end
    end
    return new, taken
end

local function is_ample(available, cost)
    return cost + 2 * ARENA_SLAB <= available.slabs and cost <= available.large
end

--- Whether a follower that has reported this memory can apply an addition.
---@param available FreeMemory
---@param bytes number of the addition
---@param cost number bytes that it takes
---@param values string[]|nil the added ones
function M.suffices(available, bytes, cost, values)
    if is_ample(available, cost) then
        return true
    elseif cost > available.slabs or bytes >= MAX_SLAB_TUPLE and cost > available.large then
        return false
    end
    return cost + plan(available, bytes, values) <= available.slabs
end

--- Counts an addition until the next report.
---@param available FreeMemory
---@param bytes number of the addition
---@param cost number bytes that it takes
---@param values string[]|nil the added ones
function M.spend(available, bytes, cost, values)
    if not is_ample(available, cost) then
        local _, taken = plan(available, bytes, values)
        for i, amount in pairs(taken) do
            available.sizes[i][2] = available.sizes[i][2] - amount
        end
    end
    available.slabs = available.slabs - cost
    if bytes >= MAX_SLAB_TUPLE then
        available.large = available.large - cost
    end
end

return M
