--- The memory for tuples, and a reserve in it for deletions. A deletion takes memory before it
-- frees any: for the change log, the store's revision, the idempotency record.
--
-- The allocator decides what fits: each size of tuple has slabs of its own, so that no sum of
-- free bytes can tell. The reserve therefore consists of tuples that occupy memory. A deletion
-- that does not fit deletes them; whatever adds data is refused until they are back.
local clock = require('clock')
local fiber = require('fiber')
local log = require('log')

local M = {}

--- Small tuples of the sizes that a deletion writes, then larger ones, enough of them that
-- deleting them frees whole slabs: {tuples, bytes of each}.
local SMALL = { { 256, 8 }, { 256, 24 }, { 64, 240 } }
local BULK = { { 2048, 1000 } }

--- Memory that only a start may use, besides KV_MEMTX_MEMORY. A start replays the write-ahead
-- log, and its tuples are spread over the slabs differently: without headroom a tuple that had
-- memory before could find none. After the start, tuples too large for a slab (4 MiB) fill it.
local START_HEADROOM = { count = 4, size = 4 * 1024 * 1024 + 128 * 1024 }

--- Bytes of the headroom, with Tarantool's overhead of a tuple; at least a slab of the arena.
M.START_HEADROOM_BYTES = START_HEADROOM.count * (START_HEADROOM.size + 16 * 1024)

--- Bytes: the least limit for a tuple that admits those of the headroom.
M.MIN_TUPLE_LIMIT = START_HEADROOM.size + 1024

local sizes = {} -- of the reserve's tuples, by their numbers
local function append_sizes(parts)
    for _, part in ipairs(parts) do
        for _ = 1, part[1] do
            table.insert(sizes, part[2])
        end
    end
    return #sizes
end

--- Tuples of the reserve without which nothing is added: all the small ones, and half of the
-- bulk, because one of its slabs may have found other use.
local ENOUGH_SMALL = append_sizes(SMALL)
local ENOUGH = ENOUGH_SMALL + math.floor((append_sizes(BULK) - ENOUGH_SMALL) / 2)

--- Bytes of a slab of the arena. The tuples and the indexes of an instance have slabs of their own.
local ARENA_SLAB = 16 * 1024 * 1024

--- There is headroom without whole free slabs where this share of the memory is free, beyond
-- what tuples and indexes may have begun to use of a slab of the arena each.
local HEADROOM_SHARE = 1 / 8
local BEGUN_SLABS = 2 * ARENA_SLAB

--- Bytes of a batch that is compared with the free memory before it is tried.
local LARGE = 64 * 1024

--- Seconds between two garbage collections because memory is short: many writes may fail at once.
local COLLECT_INTERVAL = 0.05

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

local reserved = 0 -- tuples of the reserve that exist: the first ones
local collected_at = -math.huge
local exhausted_at -- of a follower: the free bytes when its slabs ran out; nil: there are some

--- Bytes that no tuple takes. A tuple may still not fit.
local function free_bytes()
    local slabs = box.slab.info()
    local large = slabs.quota_used - slabs.arena_size -- tuples with an allocation of their own
    return slabs.quota_size - slabs.arena_used - large
end

--- The memory without the start headroom. A slab of the arena belongs to the tuples or to the
-- indexes: what the indexes leave free of theirs is in use, because no tuple can have it.
---@return number used bytes, the reserve included
---@return number allocated bytes that were in use at some time
---@return number limit
function M.usage()
    local slabs, headroom = box.slab.info(), M.START_HEADROOM_BYTES
    local indexes = math.ceil((slabs.arena_used - slabs.items_used) / ARENA_SLAB) * ARENA_SLAB
    local large = slabs.quota_used - slabs.arena_size - headroom
    return slabs.items_used + indexes + math.max(0, large),
        math.max(0, slabs.quota_used - headroom), slabs.quota_size - headroom
end

--- Fills the headroom after a start. Where the start has used it up, the next one begins at a
-- new snapshot, which has the tuples in order and takes less memory.
function M.fill_start_headroom()
    local reserve = box.space.kv_reserve
    for i = 1, START_HEADROOM.count do
        local tuple = { #sizes + i, ('.'):rep(START_HEADROOM.size) }
        if reserve:get(tuple[1]) == nil and not pcall(reserve.insert, reserve, tuple) then
            log.warn('kv: the start used up its memory headroom: taking a snapshot for the next')
            fiber.create(function() pcall(box.snapshot) end)
            break
        end
    end
    collectgarbage()
end

--- Inserts the missing tuples of the reserve, as many as fit.
function M.refill_reserve()
    local reserve = box.space.kv_reserve
    while reserved < #sizes do
        if not pcall(reserve.insert, reserve, { reserved + 1, ('.'):rep(sizes[reserved + 1]) }) then
            return
        end
        reserved = reserved + 1
    end
end

function M.has_reserve()
    return reserved > 0
end

--- Gives the reserve to a deletion.
function M.release_reserve()
    for number = 1, reserved do
        box.space.kv_reserve:delete(number)
    end
    reserved = 0
end

--- Frees tuples that only Lua's garbage still refers to.
function M.collect_garbage()
    local now = clock.monotonic()
    if now - collected_at > COLLECT_INTERVAL then
        collected_at = now
        collectgarbage()
    end
end

---@param failure any
function M.is_out_of_memory(failure)
    return type(failure) == 'cdata' and failure.type == 'OutOfMemory'
end

--- Whether much memory is free for an addition, though perhaps none that fits its tuples.
---@param bytes number
function M.has_headroom(bytes)
    return free_bytes() > box.cfg.memtx_memory * HEADROOM_SHARE + BEGUN_SLABS + bytes
end

--- Whether an addition may be tried. `refill_reserve` comes first.
---@param bytes number
function M.admits(bytes)
    if reserved < ENOUGH_SMALL then
        return false
    end
    if reserved < ENOUGH and free_bytes() < box.cfg.memtx_memory * HEADROOM_SHARE then
        return false
    end
    return bytes < LARGE or bytes < free_bytes()
end

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
    local size = box.cfg.memtx_memory - M.START_HEADROOM_BYTES
    return { slabs = math.max(0, slabs), large = large, sizes = tuple_sizes, size = size }
end

--- The memory of a follower for what the leader adds. The leader tries an addition that may not
-- fit, but a follower has to apply what the leader has committed. So whole slabs count, which
-- tuples of any size can use. Where there are none, only deletions make space, in slabs of the
-- sizes of the deleted tuples: then it counts how much more is free than when the slabs ran out.
---@return FreeMemory
function M.available()
    local slabs, pools, free = box.slab.info(), box.slab.stats(), free_bytes()
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
        M.refill_reserve()
    else
        M.collect_garbage()
    end
    return report(reserved == #sizes and found or 0, unused, free_in_slabs(pools))
end

--- Gives memory of a follower to a write of the leader that has found none: the reserve, and the
-- next time the headroom of a start, which may become a slab that is in one piece.
---@return FreeMemory
function M.exhaust()
    exhausted_at = math.max(exhausted_at or 0, free_bytes())
    if M.has_reserve() then
        M.release_reserve()
    elseif box.space.kv_reserve:len() > 0 then
        log.warn('kv: a write of the leader found no memory: it gets the headroom of a start')
        for i = 1, START_HEADROOM.count do
            box.space.kv_reserve:delete(#sizes + i)
        end
        fiber.create(function() pcall(box.snapshot) end) -- a start from it needs less memory
    end
    collectgarbage() -- Lua refers to the deleted tuples
    return report(0, 0, {})
end

--- The slabs of large tuples that an addition uses: the bytes of the largest new one, and what it
-- takes of those that are reported, by their positions.
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
            if is_large(#value) then
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
---@param values string[]|nil those that are added
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
---@param values string[]|nil those that are added
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
