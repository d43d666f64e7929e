--- The disk, and a reserve on it for deletions: whatever adds is refused before the disk is
-- full, so that what makes room again still finds a place in the write-ahead log.
local changes = require('kv.data.change_log')
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

--- Seconds between two looks at the disk, on which others write too.
local LOOK_INTERVAL = 0.1

--- The reserve takes this share of a small disk at the most.
local SHARE = 1 / 8

--- What a write takes beside its bytes.
local PER_WRITE = 512

--- Between two snapshots that are taken for the disk's sake: seconds at the least, and times
-- what the last one took.
local MIN_RELIEF_PAUSE = 2
local RELIEF_PAUSE = 10

--- What a snapshot holds beside the log of changes; bytes for all that is small.
local LARGE_SPACES = { 'kv', 'kv_expiry', 'idempotency', 'users' }
local SMALL_SPACES = 1024 * 1024

--- The data folder is the current one.
local FOLDER = '.'

local wanted = 0 -- 0: there is no reserve
local free, left = 0, 0 -- bytes; left: above the reserve
local looked_at = -math.huge
local relief_from = -math.huge

local function look()
    local stat = ffi.new('struct kv_statvfs')
    if ffi.C.kv_statvfs(FOLDER, stat) ~= 0 then
        return
    end
    local block = tonumber(stat.f_frsize)
    local reserve = math.min(wanted, tonumber(stat.f_blocks) * block * SHARE)
    free = tonumber(stat.f_bavail) * block
    left = free - reserve
    looked_at = clock.monotonic()
end

---@param reserve number bytes; 0: none
function M.configure(reserve)
    if reserve > 0 and jit.os == 'Linux' and ffi.abi('64bit') then
        wanted = reserve
        left = math.huge -- where nobody can tell
        look()
    end
end

--- What the log holds twice over a snapshot does not: it takes the place of the older ones.
local function relieve(clears)
    log.warn('kv: the disk is nearly full: a snapshot is taken in place of older logs')
    local begin, count = clock.monotonic(), box.cfg.checkpoint_count
    local ok, failure = pcall(function()
        box.cfg({ checkpoint_count = 1 })
        if clears then
            changes.clear()
        end
        box.snapshot()
    end)
    pcall(box.cfg, { checkpoint_count = count })
    if not ok then
        log.error('kv: the snapshot failed: %s', failure)
    end
    local now = clock.monotonic()
    relief_from = now + math.max(MIN_RELIEF_PAUSE, RELIEF_PAUSE * (now - begin))
    looked_at = -math.huge
end

--- Where the log has grown since the last snapshot, and a snapshot fits; if need be without
-- the log of changes, which has every value again.
local function seek_relief()
    local checkpoints = box.info.gc().checkpoints
    local has_grown = checkpoints[#checkpoints].signature ~= box.info.signature
    local takes = SMALL_SPACES
    for _, name in ipairs(LARGE_SPACES) do
        takes = takes + tonumber(box.space[name]:bsize())
    end
    if has_grown and takes < free and clock.monotonic() > relief_from then
        relief_from = math.huge -- until it is taken
        local _, of_changes = changes.size()
        fiber.create(relieve, takes + of_changes > free)
    end
end

--- Whether what adds so many bytes may be tried.
---@param bytes number
function M.admits(bytes)
    if wanted == 0 then
        return true
    end
    local takes = 2 * bytes + PER_WRITE -- once more in the log of changes
    if left < takes or clock.monotonic() - looked_at > LOOK_INTERVAL then
        look()
        if left < takes then
            seek_relief()
            return false
        end
    end
    left = left - takes
    return true
end

return M
