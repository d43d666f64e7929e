--- Forgetting: removes what the change log has of a key, besides the latest change. That one stays,
-- the value that the key has or its deletion: without it, readers of the change log would keep
-- another one.
local capacity = require('kv.capacity')
local change_log = require('kv.data.change_log')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- Keys of the batches that a transaction rewrites, unless the first one has more: their entries in
-- the index are rewritten, too, which takes some milliseconds of the instance's one thread.
local STEP_KEYS = 500

--- Bytes of these batches, in the same way.
local STEP_BYTES = 1024 * 1024

--- Rewrites some batches, inside a transaction.
---@return number batches 0: there is none left
local function rewrite(key, newest)
    local latest
    change_log.each_of(key, store.revision() + 1, function(_, revision)
        latest = revision
        return true
    end)
    local found, positions, keys, bytes = {}, {}, 0, 0
    if latest ~= nil then
        change_log.each_of(key, math.min(latest, newest + 1), function(batch, _, position, count)
            table.insert(found, batch)
            table.insert(positions, position)
            keys, bytes = keys + count, bytes + batch:bsize()
            return keys >= STEP_KEYS or bytes >= STEP_BYTES
        end)
    end
    for i, batch in ipairs(found) do
        change_log.remove(batch, positions[i])
    end
    transaction.note_garbage(bytes)
    return #found
end

--- Removes the changes of a key up to now from the change log, besides the latest one, in many
-- small transactions. On the instance that takes writes.
---@param key string
---@return number changes that were removed
function M.forget(key)
    local newest, removed = store.revision(), 0
    while true do
        local count
        capacity.with_reserve(function()
            count = transaction.commits:commit({}, rewrite, key, newest)
        end)
        if count == 0 then
            return removed
        end
        removed = removed + count
    end
end

return M
