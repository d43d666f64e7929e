--- The console's function for the state of the instance.
local clock = require('clock')
local fio = require('fio')

local change_log = require('kv.data.change_log')
local format = require('kv.admin.format')
local leader = require('kv.base.leader')
local memory = require('kv.capacity.memory')
local store = require('kv.data.store')

local M = {}

--- The number and bytes of the files with a pattern, and the time of the last one.
local function files(folder, pattern)
    local count, bytes, newest = 0, 0, nil
    for _, path in ipairs(fio.glob(fio.pathjoin(folder, pattern))) do
        local stat = fio.stat(path)
        if stat ~= nil then -- it has not been deleted in the meantime
            count, bytes = count + 1, bytes + stat.size
            newest = math.max(newest or 0, stat.mtime)
        end
    end
    return count, bytes, newest
end

local function snapshots()
    local count, bytes, newest = files(box.cfg.memtx_dir, '*.snap')
    if newest == nil then
        return 'none'
    end
    return ('%s, %s, the last one %s ago'):format(
        format.count(count, 'file'), format.size(bytes), format.duration(clock.time() - newest))
end

local function write_ahead_log()
    local count, bytes = files(box.cfg.wal_dir, '*.xlog')
    return ('%s, %s, %s'):format(
        box.cfg.wal_mode, format.count(count, 'file'), format.size(bytes))
end

local function change_log_size()
    if not change_log.is_enabled() then
        return 'off: KV_CHANGES_BYTES is 0'
    end
    local count, bytes, limit = change_log.size()
    return ('%s after revision %d, %s of at most %s'):format(
        format.count(count, 'write'), change_log.oldest(), format.size(bytes), format.size(limit))
end

local function memory_taken()
    local slab, headroom = box.slab.info(), memory.START_HEADROOM_BYTES
    return ('%s in use, %s allocated, at most %s (KV_MEMTX_MEMORY)'):format(
        format.size(slab.items_used), format.size(slab.quota_used - headroom),
        format.size(slab.quota_size - headroom))
end

--- How far another node is behind this one, and since when it has been silent.
local function peer_state(peer)
    local upstream, downstream = peer.upstream, peer.downstream
    if not leader.is_connected(peer) then
        return upstream ~= nil and upstream.idle ~= nil
            and ('not connected, silent for %s'):format(format.duration(upstream.idle))
            or 'not connected'
    end
    local lag = downstream ~= nil and downstream.lag or upstream.lag or 0
    return ('follows, lag %.3f s, heard from %.3f s ago'):format(lag, upstream.idle)
end

--- A row for each node of the cluster.
local function nodes()
    local rows, leads = {}, leader.name()
    local ids = {}
    for id in pairs(box.info.replication) do
        table.insert(ids, id)
    end
    table.sort(ids)
    for _, id in ipairs(ids) do
        local peer = box.info.replication[id]
        local state = id == box.info.id and 'this node' or peer_state(peer)
        local name = peer.name or tostring(id)
        table.insert(rows, { 'node ' .. name, name == leads and state .. ', leads' or state })
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
    local space = box.space
    local rows = leader.is_clustered() and nodes() or {}
    for _, row in ipairs({
        { 'keys', ('%d, %d of them expire'):format(space.kv:len(), space.kv_expiry:len()) },
        { 'revision', ('%d'):format(store.revision()) },
        { 'accounts', ('%d'):format(space.users:len()) },
        { 'change log', change_log_size() },
        { 'idempotency', format.count(space.idempotency:len(), 'record') },
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
