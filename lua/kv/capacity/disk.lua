--- The disk, and a reserve on it for deletions. A write that adds data is refused before the
-- disk is full, so that a deletion still finds space in the write-ahead log (WAL).
local clock = require('clock')
local ffi = require('ffi')
local fiber = require('fiber')
local log = require('log')

local M = {}

-- The first fields of statvfs(3), which are the same with glibc and musl on every 64-bit
-- Linux; the rest of it is smaller than the padding.
ffi.cdef([[
    struct kv_statvfs {
        unsigned long f_bsize, f_frsize, f_blocks, f_bfree, f_bavail;
        char rest[256];
    };
    int kv_statvfs(const char *path, struct kv_statvfs *buf) __asm__("statvfs");
]])

--- Seconds between two checks of the disk, which other processes write to as well.
local CHECK_INTERVAL = 0.1

--- The reserve takes at most this share of a small disk.
local MAX_SHARE = 1 / 8

--- Bytes that a write takes besides those of its data.
local PER_WRITE = 512

--- Between two snapshots that are taken to free disk space: at least this many seconds, and
-- this many times the duration of the last one.
local MIN_SNAPSHOT_PAUSE = 2
local SNAPSHOT_PAUSE = 10

--- Bytes of a snapshot for the system spaces and what is around the rows.
local SNAPSHOT_OVERHEAD = 1024 * 1024

local reserve = 0 -- bytes; 0: there is none
local available = 0 -- bytes beyond the reserve, on the disk of the write-ahead log
local checked_at = -math.huge
local no_snapshot_before = -math.huge
local releasable -- see kv.capacity

---@return number|nil free bytes of the disk of a folder
---@return number|nil size of the disk in bytes
local function measured(folder)
    local stat = ffi.new('struct kv_statvfs')
    if ffi.C.kv_statvfs(folder, stat) == 0 then
        local block = tonumber(stat.f_frsize)
        return tonumber(stat.f_bavail) * block, tonumber(stat.f_blocks) * block
    end
end

local function check()
    local free, size = measured(box.cfg.wal_dir)
    if free ~= nil then
        available = free - math.min(reserve, size * MAX_SHARE)
        checked_at = clock.monotonic()
    end
end

local function can_measure()
    return jit.os == 'Linux' and ffi.abi('64bit')
end

--- The disk of the write-ahead log, measured now.
---@return number|nil free bytes; nil: they cannot be measured
---@return number reserve bytes of it that additions leave free
function M.space()
    local free, size
    if can_measure() then
        free, size = measured(box.cfg.wal_dir)
    end
    return free, free ~= nil and math.min(reserve, size * MAX_SHARE) or 0
end

---@param bytes number of the reserve; 0: none
function M.configure(bytes)
    reserve = can_measure() and bytes or 0
    if reserve > 0 then
        available = math.huge -- where the disk cannot be checked
        check()
    end
end

---@param given Releasable see kv.capacity
function M.register_releasable(given)
    releasable = given
end

--- Takes a snapshot in place of all older ones and of the WAL up to it: what the WAL has twice,
-- a snapshot has once.
local function take_snapshot(without_releasable)
    log.warn('kv: the disk is nearly full: taking a snapshot in place of older logs')
    local begin, count = clock.monotonic(), box.cfg.checkpoint_count
    local ok, failure = pcall(function()
        box.cfg({ checkpoint_count = 1 })
        if without_releasable then
            releasable.clear()
        end
        box.snapshot()
    end)
    pcall(box.cfg, { checkpoint_count = count })
    if not ok then
        log.error('kv: the snapshot failed: %s', failure)
    end
    local now = clock.monotonic()
    no_snapshot_before = now + math.max(MIN_SNAPSHOT_PAUSE, SNAPSHOT_PAUSE * (now - begin))
    checked_at = -math.huge
end

--- Bytes of a snapshot without the releasable data.
local function snapshot_bytes()
    local bytes = SNAPSHOT_OVERHEAD
    for _, row in box.space._space:pairs(box.schema.SYSTEM_ID_MAX, { iterator = 'GT' }) do
        local space = box.space[row.id]
        if not space.temporary and (releasable == nil or space.name ~= releasable.space) then
            bytes = bytes + tonumber(space:bsize())
        end
    end
    return bytes
end

--- Begins to free disk space by a snapshot, where the WAL has grown since the last one and a
-- new one fits; if need be without the releasable data.
function M.free_space()
    local checkpoints = box.info.gc().checkpoints
    local has_grown = checkpoints[#checkpoints].signature ~= box.info.signature
    local bytes, free = snapshot_bytes(), measured(box.cfg.memtx_dir) or 0
    if has_grown and bytes < free and clock.monotonic() > no_snapshot_before then
        no_snapshot_before = math.huge -- until it is taken
        local more = releasable ~= nil and releasable.bytes() or 0
        fiber.create(take_snapshot, bytes + more > free)
    end
end

--- Bytes of the disk that an addition takes.
---@param bytes number
function M.cost(bytes)
    return 2 * bytes + PER_WRITE -- the change log has the data again
end

--- Bytes that additions may take; infinite where there is no reserve.
---@return number
function M.available()
    return reserve == 0 and math.huge or available
end

--- Whether an addition may be tried. `refresh` comes first.
---@param bytes number
function M.admits(bytes)
    return reserve == 0 or available >= M.cost(bytes)
end

--- Checks the disk, where the last check is out of date or leaves too little for an addition.
---@param bytes number
function M.refresh(bytes)
    local is_outdated = clock.monotonic() - checked_at > CHECK_INTERVAL
    if reserve > 0 and (is_outdated or not M.admits(bytes)) then
        check()
    end
end

--- Counts an addition until the next check.
---@param bytes number
function M.spend(bytes)
    available = available - M.cost(bytes)
end

return M
