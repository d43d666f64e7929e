--- The metrics of the instance, as kv.v1.metrics returns them: a flat table by the names that
-- Prometheus has for them. A value is a number, a list of `{labels, number}`, or a Histogram
-- (kv.base.histogram). The name of a counter ends in `_total`, that of a gauge does not.
--
-- What the instance does not know is left out. Names that begin with `tnt_` are Tarantool's own.
local disk = require('kv.capacity.disk')
local expiry = require('kv.data.expiry')
local live = require('kv.backup.live')
local memory = require('kv.capacity.memory')
local process = require('kv.metrics.process')
local replication = require('kv.metrics.replication')
local state = require('kv.metrics.state')
local tarantool = require('kv.metrics.tarantool')
local transaction = require('kv.data.transaction')

local M = {}

local function add_data(found)
    local data = state.data()
    found.kv_keys = data.keys
    found.kv_keys_expiring = data.expiring
    found.kv_accounts = data.accounts
    found.kv_revision = data.revision
    found.kv_changes_oldest_revision = data.changes.oldest
    found.kv_changes_bytes = data.changes.bytes
    found.kv_changes_limit_bytes = data.changes.limit
    found.kv_idempotency_records = data.idempotency.records
    found.kv_idempotency_bytes = data.idempotency.bytes
end

local function add_capacity(found)
    local used, _, limit = memory.usage()
    local free, reserve = disk.space()
    found.kv_memory_used_bytes = used
    found.kv_memory_limit_bytes = limit
    found.kv_disk_free_bytes = free
    found.kv_disk_reserve_bytes = reserve
    found.kv_writes_accepted = state.accepts_writes() and 1 or 0
end

local function add_files(found)
    local last_backup = live.last()
    found.kv_wal_bytes = state.write_ahead_log().bytes
    found.kv_snapshot_timestamp_seconds = state.snapshots().newest
    found.kv_backup_last_success_timestamp_seconds = last_backup.at
    found.kv_backup_last_bytes = last_backup.bytes
end

---@return table metrics
function M.collect()
    local found = {
        kv_expired_keys_total = expiry.deleted(),
        kv_wal_wait_seconds = transaction.commits.waits,
    }
    if state.has_data() then
        add_data(found)
    end
    add_capacity(found)
    add_files(found)
    tarantool.add(found)
    replication.add(found)
    process.add(found)
    return found
end

return M
