--- The instance: configured from the environment, migrated, the procedures in place, and
-- only then listening.
local console = require('console')
local errno = require('errno')
local fio = require('fio')
local log = require('log')

local accounts = require('kv.accounts.accounts')
local api = require('kv.exports')
local changes = require('kv.data.change_log')
local disk = require('kv.capacity.disk')
local expiry = require('kv.data.expiry')
local lifeline = require('kv.base.parent_death')
local memory = require('kv.capacity.memory')
local migrator = require('kv.migrator')
local restored = require('kv.backup.restore_epoch')
local settings = require('kv.config')
local time = require('kv.data.clock')
local versions = require('kv.base.compat')

local M = {}

--- Seconds between snapshots: what a restart has to replay from the log is an hour's writes.
local CHECKPOINT_INTERVAL = 3600

--- Bytes of the log after which a snapshot is taken before its time: what two snapshots and
-- the logs between them take is bounded.
local CHECKPOINT_WAL_THRESHOLD = 1024 * 1024 * 1024

--- Each size of tuple is this much larger than the one before. A size takes slabs for itself,
-- 16 MiB for tuples of 128 KiB and more, and keeps them: with Tarantool's own 1.05 some eighty
-- tuples, no two of a size, use up 256 MiB for good, with 1.25 some hundred and twenty. With 2 a
-- million values of 500 bytes took 2.1 times their bytes; with this one values of any size from
-- 100 bytes take 1.6 times at the most, with their keys and their places in two indexes. 3.x
-- makes it the square root of 2. It cannot be set a second time.
local SLAB_ALLOC_FACTOR = 1.3

local CONSOLE = 'console.sock'

--- Not by box.cfg's work_dir, of which Tarantool takes the first 255 bytes.
local function enter(data_dir)
    if not fio.path.is_dir(data_dir) then
        assert(fio.mktree(data_dir))
    end
    if not fio.chdir(data_dir) then
        error(('KV_DATA_DIR: %s: %s'):format(data_dir, errno.strerror()), 0)
    end
end

--- By a name in the data folder: an absolute path may be longer than a socket's can be, and
-- a URI ends at some characters that a path may contain. Tarantool replaces any file of
-- that name, not only a stale socket.
local function open_console(data_dir)
    local found = fio.lstat(CONSOLE)
    if found ~= nil and not found:is_sock() then
        error(('KV_DATA_DIR: %s is not a socket: move it away'):format(
            fio.pathjoin(data_dir, CONSOLE)), 0)
    end
    console.listen('unix/:./' .. CONSOLE)
end

---@param migrations string the path of their folder
function M.start(migrations)
    versions.lift_slice_limit() -- migrations and a restore touch every account at once
    local cfg = settings.read()
    if cfg.parent_pid ~= nil then
        lifeline.hold(cfg.parent_pid)
    end
    fio.umask(tonumber('077', 8)) -- the data and the console are the owner's alone
    enter(cfg.data_dir)
    box.cfg({
        wal_mode = cfg.wal_mode,
        memtx_memory = cfg.memtx_memory + memory.HEADROOM_BYTES,
        memtx_max_tuple_size = math.max(cfg.max_tuple_size, memory.MIN_TUPLE_LIMIT),
        slab_alloc_factor = type(box.cfg) == 'function' and SLAB_ALLOC_FACTOR or nil,
        checkpoint_interval = CHECKPOINT_INTERVAL,
        checkpoint_wal_threshold = CHECKPOINT_WAL_THRESHOLD,
        feedback_enabled = versions.feedback_enabled,
    })
    open_console(cfg.data_dir)
    migrator.migrate(migrations)
    api.publish()
    if not box.info.ro then
        restored.go_on()
        api.deploy(cfg.user, cfg.password)
    end
    accounts.configure(cfg.default_grants)
    changes.configure(cfg.changes_bytes, cfg.memtx_memory)
    disk.configure(cfg.disk_reserve)
    memory.hold_headroom()
    memory.hold()
    time.catch_up()
    expiry.start()
    box.cfg({ listen = cfg.listen })
    log.info('kv: ready')
end

return M
