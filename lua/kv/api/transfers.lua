--- Procedures of version 1: see kv.api.v1.
local change_log = require('kv.data.change_log')
local clock = require('kv.data.clock')
local export = require('kv.data.export')
local import = require('kv.data.import')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

local FIELDS = { store.KEY, store.VALUE, store.REVISION, store.EXPIRES_AT }
local NO_EXPIRIES, NO_KEYS, NO_OPTIONS = {}, {}, {}

local function row_columns(rows)
    local columns = {}
    for i, field in ipairs(FIELDS) do
        local column = {}
        for j, row in ipairs(rows) do
            column[j] = row[field] == nil and box.NULL or row[field]
        end
        columns[i] = column
    end
    return columns
end

--- Returns a page of an export of the keys with a prefix that the caller may read: the changes
-- of keys of the pages before, and the next keys in byte order. The pages together have the
-- state of the store at the revision that the last page returns. Raises kv.ChangesOff,
-- kv.RevisionAhead.
---@param caller Caller
---@param prefix string
---@param position table|nil where the page begins, as the page before returned it; nil: the first
---@param max_bytes number beyond which no change, or no row, is added
---@return number|nil revision; null: the change log lacks changes after the position
---@return table|number|nil position of the next page; nil: this is the last one; without a
-- revision the oldest one to which the change log reaches back
---@return table|nil changes of the pages before, as columns {keys, values, revisions, expiries};
-- a null among the values: the key was deleted
---@return table|nil rows after those, as columns
---@return string[]|nil prefixes that the caller may read
---@return number|nil now seconds since 1970, by the clock of the expiries
function M.export_page(caller, prefix, position, max_bytes)
    local page = export.page(caller, prefix, position, max_bytes)
    if page == nil then
        return box.NULL, change_log.oldest()
    end
    return page.revision, page.next or box.NULL, row_columns(page.changes),
        row_columns(page.rows), page.readable, clock.now()
end

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
