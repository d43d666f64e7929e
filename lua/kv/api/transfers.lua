--- Procedures of version 1: see kv.api.v1.
local import = require('kv.data.import')
local transaction = require('kv.data.transaction')

local M = {}

local NO_EXPIRIES, NO_KEYS, NO_OPTIONS = {}, {}, {}

--- Imports entries in their order, all or none. Repeated with the same `since`, it has the same
-- result. Without entries it returns the revision for `since`. Raises kv.RevisionAhead,
-- kv.MemoryFull, kv.DiskFull.
---@param caller Caller
---@param keys string[] may have a key several times
---@param values table JSON texts, one for each key; null: the key is deleted
---@param expiries table|nil seconds since 1970, one for each key; null: it does not expire
---@param mode string overwrite; create: a key that exists is an error; skip: it is left alone
---@param since number|nil the revision up to which a key that is there counts as existing; nil:
-- the newest one
---@return number revision
---@return table result {written, skipped}: entries that changed their key, and others; or
-- {null, position, reason} where nothing was written because of an entry: the reason is `read`
-- or `write`, the missing right, or the revision of a key that exists
function M.import_batch(caller, keys, values, expiries, mode, since)
    local batch = { keys = keys, values = values, expiries = expiries, mode = mode }
    if expiries == nil then -- or null
        batch.expiries = NO_EXPIRIES
    end
    return transaction.execute(caller, '', NO_KEYS, NO_OPTIONS, import.plan(batch, since))
end

return M
