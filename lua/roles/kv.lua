-- --- #tarantool.metadata.v1
-- early_load: true
-- ...

--- The role `roles.kv`: the store as a node of a cluster that Tarantool 3 configures from YAML.
-- Its settings are those of script mode that do not belong to Tarantool, see kv.config.
local fio = require('fio')
local log = require('log')
local tarantool = require('tarantool')

local HERE = fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2)))
local ROOT = fio.dirname(HERE)
dofile(ROOT .. '/kv/base/searcher.lua')(ROOT)

local compat = require('kv.base.compat')
local config = require('kv.config')
local live = require('kv.backup.live')
local memory = require('kv.capacity.memory')
local start = require('kv.start')

local M = {}

-- Nodes that join at the same time wait for each other's confirmation, unless the schema is
-- asynchronous until they have: see kv.leadership. The first lines have this file loaded before
-- the instance is configured.
if compat.can_elect() and type(box.cfg) == 'function' then
    compat.set_synchronous_schema(false)
end

--- Seconds, as good as none: a write that was not confirmed in time would go on unnoticed.
local UNLIMITED = 86400 * 365

--- What the promises of a cluster rest on, by the names of the YAML. Another value is reported:
-- an acknowledged write may be lost with it, or a stale value be read.
local function unsafe_settings(get)
    local found = {}
    local function expect(name, is_safe, expected)
        local value = get(name)
        if not is_safe(value) then
            table.insert(found, ('%s is %s, expected %s'):format(name, tostring(value), expected))
        end
    end
    local function equals(expected)
        return function(value) return value == expected end
    end
    local is_new = equals('new')
    expect('replication.election_fencing_mode', equals('strict'), 'strict')
    expect('replication.synchro_quorum', equals('N / 2 + 1'), "'N / 2 + 1'")
    expect('compat.replication_synchro_timeout', is_new, 'new')
    expect('compat.box_consider_system_spaces_synchronous', is_new, 'new')
    expect('database.txn_synchro_timeout', function(value)
        return value ~= nil and value >= UNLIMITED
    end, ('at least %d'):format(UNLIMITED))
    expect('wal.mode', function(value) return value == 'fsync' or value == 'write' end, 'fsync')
    return found
end

local function require_cluster()
    if not compat.can_elect() then
        error(('a cluster requires Tarantool 3, this is %s'):format(tarantool.version), 0)
    end
end

--- The settings, where the instance's own suffice for them.
local function read_settings(options, get)
    local settings = config.read_options(options)
    require_cluster()
    local failover = get('replication.failover')
    if failover ~= 'election' then
        error(('replication.failover is %s, expected election'):format(tostring(failover)), 0)
    end
    local function expect_bytes(name, least)
        local value = get(name)
        if value == nil or value < least then
            error(('%s is %s, expected at least %d'):format(name, tostring(value), least), 0)
        end
    end
    expect_bytes('memtx.memory', config.MIN_MEMTX_MEMORY + memory.START_HEADROOM_BYTES)
    expect_bytes('memtx.max_tuple_size', math.max(settings.max_tuple_size, memory.MIN_TUPLE_LIMIT))
    return settings
end

local function configured(name)
    return require('config'):get(name)
end

--- Called with the options before anything is applied.
---@param options any
function M.validate(options)
    config.read_options(options)
    require_cluster()
end

--- Called at the start and at each reload of the configuration.
---@param options any
function M.apply(options)
    local settings = read_settings(options, configured)
    for _, sentence in ipairs(unsafe_settings(configured)) do
        log.warn('kv: this cluster may lose acknowledged writes: %s', sentence)
    end
    live.configure(configured('console.socket'))
    start.start_node(settings, fio.pathjoin(fio.dirname(ROOT), 'migrations'))
end

--- Called when the role is removed, and at the end of the process.
function M.stop()
    start.stop()
end

return M
