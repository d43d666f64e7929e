--- The instance: configured from the environment, migrated, the procedures in place, and
-- only then listening. What stops the start is said in one line on stderr.
local fio = require('fio')

local HERE = fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2)))
package.path = ('%s/?.lua;%s'):format(HERE, package.path)

local console = require('console')
local log = require('log')

local accounts = require('users.accounts')
local api = require('api')
local changes = require('kv.changes')
local expiry = require('kv.expiry')
local lifeline = require('lifeline')
local migrator = require('migrator')
local restored = require('restored')
local settings = require('settings')
local time = require('kv.time')
local versions = require('versions')

--- Seconds between snapshots: what a restart has to replay from the log is an hour's writes.
local CHECKPOINT_INTERVAL = 3600

local function start()
    local cfg = settings.read()
    if cfg.parent_pid ~= nil then
        lifeline.hold(cfg.parent_pid)
    end
    fio.umask(tonumber('077', 8)) -- the data and the console are the owner's alone
    if not fio.path.is_dir(cfg.data_dir) then
        assert(fio.mktree(cfg.data_dir))
    end
    box.cfg({
        work_dir = cfg.data_dir,
        wal_mode = cfg.wal_mode,
        memtx_memory = cfg.memtx_memory,
        memtx_max_tuple_size = cfg.max_tuple_size,
        checkpoint_interval = CHECKPOINT_INTERVAL,
        feedback_enabled = versions.feedback_enabled,
    })
    console.listen('unix/:' .. fio.pathjoin(cfg.data_dir, 'console.sock'))
    migrator.migrate(fio.pathjoin(fio.dirname(HERE), 'migrations'))
    api.publish()
    if not box.info.ro then
        restored.go_on()
        api.deploy(cfg.user, cfg.password)
    end
    accounts.configure(cfg.default_grants)
    changes.configure(cfg.changes_bytes, cfg.memtx_memory)
    time.catch_up()
    expiry.start()
    box.cfg({ listen = cfg.listen })
    log.info('kv: ready')
end

local ok, reason = pcall(start)
if not ok then
    io.stderr:write(('kv: cannot start: %s\n'):format(reason))
    os.exit(1)
end
