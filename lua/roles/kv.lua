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

--- A lease lasts for 2 times the timeout of the leader, and the other nodes elect no other leader
-- for 4 times their own (kv.base.lease).
local MAX_TIMEOUT_RATIO = 2

--- What the promises of a cluster rest on, by the names of the YAML. Another value is reported:
-- an acknowledged write may be lost with it, or a stale value be read.
---@param get fun(name: string, instance: string|nil): any value of this instance, or of another
---@param others string[] the other instances
---@return string[] sentences
function M.unsafe_settings(get, others)
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
    for _, name in ipairs(others) do
        local other = get('replication.timeout', name)
        expect('replication.timeout', function(value)
            return value == nil or other == nil or value < MAX_TIMEOUT_RATIO * other
        end, ('less than %d times the %s of %s'):format(MAX_TIMEOUT_RATIO, tostring(other), name))
    end
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

local function configured(name, instance)
    return require('config'):get(name, instance and { instance = instance })
end

--- The other instances that are configured for the replica set of this one.
local function other_instances()
    local whole, found = require('config'), {}
    local instances = whole.instances ~= nil and whole:instances() or {}
    for name, instance in pairs(instances) do
        if name ~= box.info.name and instance.replicaset_name == box.info.replicaset.name then
            table.insert(found, name)
        end
    end
    table.sort(found)
    return found
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
    for _, sentence in ipairs(M.unsafe_settings(configured, other_instances())) do
        log.warn('kv: this cluster may lose acknowledged writes or read stale data: %s', sentence)
    end
    live.configure(configured('console.socket'))
    start.start_node(settings, fio.pathjoin(fio.dirname(ROOT), 'migrations'))
end

--- Called when the role is removed, and at the end of the process.
function M.stop()
    start.stop()
end

return M
