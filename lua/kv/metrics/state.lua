--- The state of the instance in numbers: what the metrics, kv.admin.statistics() and
-- kv.v1.statistics show.
local fio = require('fio')

local capacity = require('kv.capacity')
local change_log = require('kv.data.change_log')
local disk = require('kv.capacity.disk')
local idempotency = require('kv.data.idempotency')
local leader = require('kv.base.leader')
local store = require('kv.data.store')

local M = {}

---@class Files
---@field count number
---@field bytes number
---@field newest number|nil seconds since 1970: the time of the last one; nil: there is none

---@return Files
local function files(folder, pattern)
    local found = { count = 0, bytes = 0 }
    for _, path in ipairs(fio.glob(fio.pathjoin(folder, pattern))) do
        local stat = fio.stat(path)
        if stat ~= nil then -- it has not been deleted in the meantime
            found.count, found.bytes = found.count + 1, found.bytes + stat.size
            found.newest = math.max(found.newest or 0, stat.mtime)
        end
    end
    return found
end

---@return Files
function M.snapshots()
    return files(box.cfg.memtx_dir, '*.snap')
end

---@return Files of the write-ahead log
function M.write_ahead_log()
    return files(box.cfg.wal_dir, '*.xlog')
end

--- Whether the spaces are there: a new node of a cluster gets them from its leader.
---@return boolean
function M.has_data()
    local kv = box.space.kv
    return kv ~= nil and kv.index.key_hash ~= nil -- of the last migration
end

---@class DataState
---@field keys number expired ones included, until they are deleted
---@field expiring number keys that expire
---@field revision number
---@field accounts number
---@field changes {is_enabled: boolean, count: number, bytes: number, limit: number, oldest: number}
---@field idempotency {records: number, bytes: number}

--- The numbers of the data, where `has_data`.
---@return DataState
function M.data()
    local space = box.space
    local count, bytes, limit = change_log.size()
    local records, record_bytes = idempotency.size()
    return {
        keys = space.kv:len(),
        expiring = space.kv_expiry:len(),
        revision = store.revision(),
        accounts = space.users:len(),
        changes = {
            is_enabled = change_log.is_enabled(),
            count = count, bytes = bytes, limit = limit, oldest = change_log.oldest(),
        },
        idempotency = { records = records, bytes = record_bytes },
    }
end

--- Whether this node accepts writes that add data: it leads, and has refused none lately.
---@return boolean
function M.accepts_writes()
    local free, reserve = disk.space()
    local has_disk = free == nil or free > reserve
    return leader.leads() and has_disk and not capacity.has_refused()
end

---@class NodeState
---@field name string
---@field is_self boolean
---@field leads boolean
---@field connected boolean
---@field lag number|nil seconds that it is behind; nil: it is not connected
---@field idle number|nil seconds since it was heard from; nil: never, or this node itself

---@return NodeState
local function node(id, peer)
    local is_self = id == box.info.id
    local connected = is_self or leader.is_connected(peer)
    local name = peer.name or tostring(id)
    local upstream = peer.upstream or {}
    local found = {
        name = name, is_self = is_self, leads = name == leader.name(), connected = connected,
        idle = upstream.idle,
    }
    if is_self then
        found.lag = 0
    elseif connected then
        found.lag = peer.downstream ~= nil and peer.downstream.lag or upstream.lag or 0
    end
    return found
end

--- The nodes of the cluster, as this one sees them, in the order of their ids; none on a single
-- instance.
---@return NodeState[]
function M.nodes()
    local ids, found = {}, setmetatable({}, { __serialize = 'seq' })
    if not leader.is_clustered() then
        return found
    end
    for id in pairs(box.info.replication) do
        table.insert(ids, id)
    end
    table.sort(ids)
    for i, id in ipairs(ids) do
        found[i] = node(id, box.info.replication[id])
    end
    return found
end

return M
