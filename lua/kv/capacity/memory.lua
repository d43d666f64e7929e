--- The memory for tuples, and a reserve in it for deletions, which take memory before they
-- give any back: for the log of changes, the store's revision, the outcome for a retry.
--
-- The allocator is the judge of what fits: each size of tuple has slabs of its own, so that no
-- sum of free bytes tells. The reserve is tuples that stand in its way. A deletion that does
-- not fit takes them away; whatever adds waits until they are back.
local clock = require('clock')
local fiber = require('fiber')
local log = require('log')

local M = {}

--- Small tuples, of the sizes that a deletion writes, then larger ones, so many that whole
-- slabs come back from them: {tuples, bytes of each}.
local CRUMBS = { { 256, 8 }, { 256, 24 }, { 64, 240 } }
local BULK = { { 2048, 1000 } }

--- Memory that only a start may use, beside what is configured: it repeats the log, and its
-- tuples fall into the slabs in another way; without room to spare it could find no place
-- for what had one. Afterwards tuples too large for a slab (4 MiB) hold it.
local HEADROOM = { count = 4, size = 4 * 1024 * 1024 + 128 * 1024 }

--- What it takes, with what Tarantool puts around a tuple; a slab of the arena at the least.
M.HEADROOM_BYTES = HEADROOM.count * (HEADROOM.size + 16 * 1024)

--- Of a tuple, for the headroom to be one.
M.MIN_TUPLE_LIMIT = HEADROOM.size + 1024

local sizes = {}
local function add_up(parts)
    for _, part in ipairs(parts) do
        for _ = 1, part[1] do
            table.insert(sizes, part[2])
        end
    end
    return #sizes
end

--- What must be held before anything is added: of the bulk a half, for a slab of it may have
-- found other use.
local ENOUGH_CRUMBS = add_up(CRUMBS)
local ENOUGH = ENOUGH_CRUMBS + math.floor((add_up(BULK) - ENOUGH_CRUMBS) / 2)

--- The share of the memory that, when it is free, counts as room without whole slabs; and
-- what the tuples and the indexes may have begun to use of a slab of the arena, 16 MiB each.
local ROOMY_SHARE = 1 / 8
local BEGUN = 2 * 16 * 1024 * 1024

--- Bytes of a batch that is held against the free memory before it is tried.
local LARGE = 64 * 1024

--- Seconds between two collections for want of memory: many may be refused at once.
local COLLECT_INTERVAL = 0.05

local held = 0 -- tuples of the reserve, the first ones
local collected_at = -math.huge

--- Bytes that tuples do not take, whether or not one would fit.
local function free()
    local slabs = box.slab.info()
    local large = slabs.quota_used - slabs.arena_size -- tuples with an allocation of their own
    return slabs.quota_size - slabs.arena_used - large
end

--- After a start. Where its headroom has been used the next one begins at a snapshot: that
-- has the tuples in order, and takes less.
function M.hold_headroom()
    local reserve = box.space.kv_reserve
    for i = 1, HEADROOM.count do
        local tuple = { #sizes + i, ('.'):rep(HEADROOM.size) }
        if not pcall(reserve.insert, reserve, tuple) then
            log.warn('kv: the start used up its headroom: a snapshot is taken for the next one')
            fiber.create(function() pcall(box.snapshot) end)
            break
        end
    end
    collectgarbage()
end

--- Takes the reserve back, as far as it fits.
function M.hold()
    local reserve = box.space.kv_reserve
    while held < #sizes do
        if not pcall(reserve.insert, reserve, { held + 1, ('.'):rep(sizes[held + 1]) }) then
            return
        end
        held = held + 1
    end
end

--- Whether there is any of it to give.
function M.is_held()
    return held > 0
end

--- Gives the reserve to a deletion.
function M.release()
    for number = 1, held do
        box.space.kv_reserve:delete(number)
    end
    held = 0
end

--- Lets go of tuples that only Lua still refers to.
function M.collect()
    local now = clock.monotonic()
    if now - collected_at > COLLECT_INTERVAL then
        collected_at = now
        collectgarbage()
    end
end

---@param failure any
function M.is_lacking(failure)
    return type(failure) == 'cdata' and failure.type == 'OutOfMemory'
end

--- Whether there is much room, for so many bytes more, though perhaps no place that fits.
---@param bytes number
function M.is_roomy(bytes)
    return free() > box.cfg.memtx_memory * ROOMY_SHARE + BEGUN + bytes
end

--- Whether so many bytes more may be tried.
---@param bytes number
function M.admits(bytes)
    if held < #sizes then
        M.hold()
        local short = held < ENOUGH and free() < box.cfg.memtx_memory * ROOMY_SHARE
        if held < ENOUGH_CRUMBS or short then
            return false
        end
    end
    return bytes < LARGE or bytes < free()
end

return M
