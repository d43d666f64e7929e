--- Script mode: configures the instance from the environment, starts the store, and only then
-- listens.
local console = require('console')
local errno = require('errno')
local fio = require('fio')
local log = require('log')

local compat = require('kv.base.compat')
local config = require('kv.config')
local live = require('kv.backup.live')
local memory = require('kv.capacity.memory')
local parent_death = require('kv.base.parent_death')
local start = require('kv.start')

local M = {}

--- Seconds between snapshots: a restart replays the writes of an hour from the log.
local CHECKPOINT_INTERVAL = 3600

--- Bytes of the log after which a snapshot is taken earlier: it bounds the size of two
-- snapshots and the logs between them.
local CHECKPOINT_WAL_THRESHOLD = 1024 * 1024 * 1024

--- The allocator's ratio of one size class to the one before. Each class takes slabs of its
-- own, 16 MiB for tuples of 128 KiB and more, and keeps them: with Tarantool's default of 1.05
-- about 80 tuples of different sizes use up 256 MiB for good, with 1.25 about 120. With 2 a
-- million values of 500 bytes took 2.1 times their bytes; with 1.3 values of any size from 100
-- bytes take at most 1.6 times theirs, keys and entries in two indexes included. 3.x rounds it
-- to the square root of 2. It cannot be set a second time.
local SLAB_ALLOC_FACTOR = 1.3

--- Enters the data directory. It does without box.cfg's work_dir, of which Tarantool takes
-- the first 255 bytes.
local function enter(data_dir)
    if not fio.path.is_dir(data_dir) then
        assert(fio.mktree(data_dir))
    end
    if not fio.chdir(data_dir) then
        error(('KV_DATA_DIR: %s: %s'):format(data_dir, errno.strerror()), 0)
    end
end

--- Listens on the console's socket, by a name relative to the data directory: an absolute path
-- may be longer than a socket's path can be, and a URI ends at some characters that a path may
-- contain. Tarantool replaces any file of that name, not only a stale socket.
local function open_console(data_dir)
    local found = fio.lstat(live.CONSOLE)
    if found ~= nil and not found:is_sock() then
        error(('KV_DATA_DIR: %s is not a socket: move it away'):format(
            fio.pathjoin(data_dir, live.CONSOLE)), 0)
    end
    console.listen('unix/:./' .. live.CONSOLE)
end

local function configure_box(cfg)
    box.cfg({
        wal_mode = cfg.wal_mode,
        memtx_memory = cfg.memtx_memory + memory.START_HEADROOM_BYTES,
        memtx_max_tuple_size = math.max(cfg.max_tuple_size, memory.MIN_TUPLE_LIMIT),
        slab_alloc_factor = type(box.cfg) == 'function' and SLAB_ALLOC_FACTOR or nil,
        checkpoint_interval = CHECKPOINT_INTERVAL,
        checkpoint_wal_threshold = CHECKPOINT_WAL_THRESHOLD,
        feedback_enabled = compat.feedback_enabled,
    })
end

---@param migrations string the path of their folder
function M.start(migrations)
    compat.lift_slice_limit() -- migrations and a restore touch every account in one transaction
    local cfg = config.read()
    if cfg.parent_pid ~= nil then
        parent_death.follow_parent(cfg.parent_pid)
    end
    fio.umask(tonumber('077', 8)) -- only the owner may read the data and open the console
    enter(cfg.data_dir)
    configure_box(cfg)
    open_console(cfg.data_dir)
    start.start_alone(cfg, migrations)
    box.cfg({ listen = cfg.listen })
    log.info('kv: ready')
end

return M
