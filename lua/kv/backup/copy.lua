--- This process as the instance that a backup is tried on: it has the backup's data, takes
-- no calls, and writes nothing.
local fio = require('fio')
local tarantool = require('tarantool')

local versions = require('kv.base.compat')

local M = {}

--- Of Tarantool's messages only the one that it dies with.
local FATAL = 0

---@param folder string a data folder with nothing in it but a snapshot
---@param limits table of the instance that the snapshot is of
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
        feedback_enabled = versions.feedback_enabled,
    })
end

local function migrations()
    local names = {}
    for _, record in box.space.migrations:pairs() do
        table.insert(names, record.name)
    end
    return names
end

--- What is in it, for the manifest.
function M.described()
    return {
        revision = tonumber(box.space.kv_meta:get('revision').value),
        keys = box.space.kv:len(),
        accounts = box.space.users:len(),
        migrations = migrations(),
        tarantool = tarantool.version,
    }
end

return M
