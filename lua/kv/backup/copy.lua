--- The instance that a backup is tested with: this process loads the backup's data, takes no
-- calls, and writes nothing.
local fio = require('fio')
local tarantool = require('tarantool')

local compat = require('kv.base.compat')

local M = {}

--- The log level of fatal errors.
local FATAL = 0

---@param folder string a data directory that contains only a snapshot
---@param limits table those of the instance that took the snapshot
function M.load(folder, limits)
    fio.chdir(folder)
    box.cfg({
        memtx_memory = limits.memtx_memory,
        memtx_max_tuple_size = limits.memtx_max_tuple_size,
        slab_alloc_factor = limits.slab_alloc_factor,
        wal_mode = 'none',
        read_only = true,
        checkpoint_interval = 0,
        log_level = FATAL,
        feedback_enabled = compat.feedback_enabled,
    })
end

local function migration_names()
    local names = {}
    for _, record in box.space.migrations:pairs() do
        table.insert(names, record.name)
    end
    return names
end

--- Describes the data, for the manifest.
function M.describe()
    return {
        revision = tonumber(box.space.kv_meta:get('revision').value),
        keys = box.space.kv:len(),
        accounts = box.space.users:len(),
        migrations = migration_names(),
        tarantool = tarantool.version,
    }
end

return M
