--- Procedures of version 1: see kv.api.v1.
local change_log = require('kv.data.change_log')
local clock = require('kv.data.clock')
local export = require('kv.data.export')
local reads = require('kv.data.reads')
local store = require('kv.data.store')

local M = {}

local FIELDS = { store.KEY, store.VALUE, store.REVISION, store.EXPIRES_AT }

local function row_columns(rows)
    local columns = {}
    for i, field in ipairs(FIELDS) do
        columns[i] = reads.column(rows, #rows, field)
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

return M
