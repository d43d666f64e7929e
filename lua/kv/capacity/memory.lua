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
M.ARENA_SLAB = 16 * 1024 * 1024

--- There is headroom without whole free slabs where this share of the memory is free, beyond
-- what tuples and indexes may have begun to use of a slab of the arena each.
local HEADROOM_SHARE = 1 / 8
local BEGUN_SLABS = 2 * M.ARENA_SLAB

--- Bytes of a batch that is compared with the free memory before it is tried.
local LARGE = 64 * 1024

--- Seconds between two garbage collections because memory is short: many writes may fail at once.
local COLLECT_INTERVAL = 0.05

local reserved = 0 -- tuples of the reserve that exist: the first ones
local collected_at = -math.huge

--- Bytes that no tuple takes. A tuple may still not fit.
---@return number
function M.free_bytes()
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
    local indexes = math.ceil((slabs.arena_used - slabs.items_used) / M.ARENA_SLAB) * M.ARENA_SLAB
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

--- Gives the headroom of a start to a write that must not be refused.
function M.release_start_headroom()
    for i = 1, START_HEADROOM.count do
        box.space.kv_reserve:delete(#sizes + i)
    end
    fiber.create(function() pcall(box.snapshot) end) -- a start from it needs less memory
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

--- Whether no tuple of the reserve is missing.
function M.has_whole_reserve()
    return reserved == #sizes
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
    return M.free_bytes() > box.cfg.memtx_memory * HEADROOM_SHARE + BEGUN_SLABS + bytes
end

--- Whether an addition may be tried. `refill_reserve` comes first.
---@param bytes number
function M.admits(bytes)
    if reserved < ENOUGH_SMALL then
        return false
    end
    if reserved < ENOUGH and M.free_bytes() < box.cfg.memtx_memory * HEADROOM_SHARE then
        return false
    end
    return bytes < LARGE or bytes < M.free_bytes()
end

return M
