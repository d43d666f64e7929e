--- The console's function for the state of the instance.
local clock = require('clock')

local format = require('kv.admin.format')
local leader = require('kv.base.leader')
local memory = require('kv.capacity.memory')
local state = require('kv.metrics.state')

local M = {}

local function snapshots()
    local files = state.snapshots()
    if files.newest == nil then
        return 'none'
    end
    return ('%s, %s, the last one %s ago'):format(
        format.count(files.count, 'file'), format.size(files.bytes),
        format.duration(clock.time() - files.newest))
end

local function write_ahead_log()
    local files = state.write_ahead_log()
    return ('%s, %s, %s'):format(
        box.cfg.wal_mode, format.count(files.count, 'file'), format.size(files.bytes))
end

local function change_log_size(changes)
    if not changes.is_enabled then
        return 'off: KV_CHANGES_BYTES is 0'
    end
    return ('%s after revision %d, %s of at most %s'):format(
        format.count(changes.count, 'write'), changes.oldest, format.size(changes.bytes),
        format.size(changes.limit))
end

local function memory_taken()
    local used, allocated, limit = memory.usage()
    return ('%s in use, %s allocated, at most %s (KV_MEMTX_MEMORY)'):format(
        format.size(used), format.size(allocated), format.size(limit))
end

--- How far another node is behind this one, and since when it has been silent.
local function peer_state(peer)
    if not peer.connected then
        return peer.idle ~= nil
            and ('not connected, silent for %s'):format(format.duration(peer.idle))
            or 'not connected'
    end
    return ('follows, lag %.3f s, heard from %.3f s ago'):format(peer.lag, peer.idle)
end

--- A row for each node of the cluster.
local function nodes()
    local rows = {}
    for _, node in ipairs(state.nodes()) do
        local shown = node.is_self and 'this node' or peer_state(node)
        table.insert(rows, { 'node ' .. node.name, node.leads and shown .. ', leads' or shown })
    end
    table.insert(rows, { 'term', ('%s'):format(box.info.election.term) })
    table.insert(rows, {})
    return rows
end

local function writes()
    if leader.leads() then
        return 'accepted'
    end
    local name = leader.name()
    return name ~= nil and ('refused: %s leads'):format(name)
        or leader.is_clustered() and 'refused: no leader is elected' or 'refused: read-only'
end

local function statistics()
    local data = state.data()
    local rows = leader.is_clustered() and nodes() or {}
    for _, row in ipairs({
        { 'keys', ('%d, %d of them expire'):format(data.keys, data.expiring) },
        { 'revision', ('%d'):format(data.revision) },
        { 'accounts', ('%d'):format(data.accounts) },
        { 'change log', change_log_size(data.changes) },
        { 'idempotency', format.count(data.idempotency.records, 'record') },
        {},
        { 'memory', memory_taken() },
        { 'write-ahead log', write_ahead_log() },
        { 'snapshots', snapshots() },
        { 'writes', writes() },
        { 'Tarantool', ('%s, up for %s'):format(
            box.info.version, format.duration(tonumber(box.info.uptime))) },
    }) do
        table.insert(rows, row)
    end
    return format.columns(rows)
end

M.functions = {
    {
        name = 'statistics',
        arguments = '',
        summary = 'shows the state of the instance',
        help = 'In a cluster it begins with the nodes, as this one sees them. Expired keys '
            .. 'count until they are deleted, moments later. Allocated memory was in use at some '
            .. 'time; it is used again before more is allocated.',
        example = 'kv.admin.statistics()',
        call = statistics,
    },
}

return M
