--- The state of the instance, on one screen.
local changes = require('kv.data.change_log')
local clock = require('clock')
local fio = require('fio')
local memory = require('kv.capacity.memory')
local show = require('kv.admin.format')
local store = require('kv.data.store')

local M = {}

--- Number and bytes of the data folder's files of a kind, and when the last one was made.
local function files(folder, pattern)
    local count, bytes, newest = 0, 0, nil
    for _, path in ipairs(fio.glob(fio.pathjoin(folder, pattern))) do
        local stat = fio.stat(path)
        if stat ~= nil then -- it has not been collected meanwhile
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
        show.count(count, 'file'), show.size(bytes), show.duration(clock.time() - newest))
end

local function log_of_writes()
    local count, bytes = files(box.cfg.wal_dir, '*.xlog')
    return ('%s, %s, %s'):format(
        box.cfg.wal_mode, show.count(count, 'file'), show.size(bytes))
end

local function log_of_changes()
    if not changes.is_kept() then
        return 'none are kept: KV_CHANGES_BYTES is 0'
    end
    local count, bytes, limit = changes.size()
    return ('%s after revision %d, %s of at most %s'):format(
        show.count(count, 'write'), changes.oldest(), show.size(bytes), show.size(limit))
end

local function memory_taken()
    local slab, held = box.slab.info(), memory.HEADROOM_BYTES
    return ('%s in use, %s taken, %s at the most (KV_MEMTX_MEMORY)'):format(
        show.size(slab.items_used), show.size(slab.quota_used - held),
        show.size(slab.quota_size - held))
end

local function statistics()
    local space = box.space
    return show.columns({
        { 'keys', ('%d, %d of them expire'):format(space.kv:len(), space.kv_expiry:len()) },
        { 'revision', ('%d'):format(store.revision()) },
        { 'accounts', ('%d'):format(space.users:len()) },
        { 'changes kept', log_of_changes() },
        { 'outcomes kept', ('%d, for Idempotency-Key'):format(space.idempotency:len()) },
        {},
        { 'memory', memory_taken() },
        { 'write-ahead log', log_of_writes() },
        { 'snapshots', snapshots() },
        { 'writes', box.info.ro and 'refused: read-only' or 'taken' },
        { 'Tarantool', ('%s, up for %s'):format(
            box.info.version, show.duration(tonumber(box.info.uptime))) },
    })
end

M.functions = {
    {
        name = 'statistics',
        arguments = '',
        summary = 'shows the state of the instance',
        help = 'Expired keys count until they are collected, moments later. What memory is '
            .. 'taken was in use at some time, and is used again before more is taken.',
        example = 'kv.admin.statistics()',
        call = statistics,
    },
}

return M
