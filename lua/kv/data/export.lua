--- Pages of an export: the rows in byte order, and the changes of the rows before.
--
-- A page shows one moment, and an export as a whole the moment of its last page: each page
-- begins with the keys of the pages before that have changed since. What the log has of a
-- change is only that there was one. The page has the row as it is now, and it has a key once,
-- at its newest change: for a key that has changed again after the changes of this page, that
-- is on a later page. Whatever the page returns, its bytes and the work for it are limited: the
-- rows of keys that many writers change must not keep the others from their turn.
--
-- An expired row that has not been collected is a row: its collection is a change.
local authorize = require('kv.accounts.authorize')
local change_log = require('kv.data.change_log')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local listing = require('kv.data.listing')
local prefixes = require('kv.base.prefixes')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- Bytes of a row besides its texts: it takes about as many in the service.
local PER_ROW = 128

--- The cost of reading a batch, and of each of its keys, in bytes of rows that could be read
-- instead.
local PER_BATCH, PER_KEY = 256, 64

--- The part of a page that changes may take: the rest is for rows.
local CHANGES_SHARE = 1 / 2

---@class Position
---@field since number the revision up to which changes are exported
---@field skip number keys of the next batch that are exported, too
---@field after string|nil the key up to which rows are exported; nil: none is

--- What a key has become by the newest change of it; nil: that is a later one.
---@return table|nil row without a value: it is deleted
local function state_after(key, revision)
    local row = store.index():get(key)
    if row ~= nil then
        return tonumber(row[store.REVISION]) <= revision and row or nil
    end
    return change_log.newest_change(key) == revision and { key, nil, revision } or nil
end

--- The keys that have changed after a position, of those that were exported before.
---@param position Position
---@param readable string[] prefixes
---@param max_bytes number beyond which no row is added
---@return table[] changes
---@return number bytes
---@return number|nil since the next page goes on there; nil: these are all
---@return number|nil skip
local function changes_after(position, readable, max_bytes)
    local changes, bytes, skip = {}, 0, position.skip
    for _, batch in change_log.pairs(position.since) do
        local revision, keys = tonumber(batch.revision), batch.keys
        bytes = bytes + PER_BATCH
        for i = skip + 1, #keys do
            local key = keys[i]
            if bytes > max_bytes then
                return changes, bytes, revision - 1, i - 1
            end
            bytes = bytes + PER_KEY
            if key <= position.after and prefixes.match_any(key, readable) then
                local row = state_after(key, revision)
                if row ~= nil then
                    table.insert(changes, row)
                    bytes = bytes + PER_ROW + (row[store.VALUE] and row:bsize() or #key)
                end
            end
        end
        skip = 0
    end
    return changes, bytes
end

--- The rows after a key. There is one at least, if there are any.
---@return table[] rows
---@return boolean is_last
local function rows_after(after, readable, max_bytes)
    local rows, bytes = {}, 0
    for _, prefix in ipairs(readable) do
        for _, row in listing.rows_from(prefix, after) do
            if not row[store.KEY]:startswith(prefix) then
                break
            end
            bytes = bytes + PER_ROW + row:bsize()
            if bytes > max_bytes and #rows > 0 then
                return rows, false
            end
            table.insert(rows, row)
        end
    end
    return rows, true
end

---@class ExportPage
---@field revision number of the moment
---@field changes table[] of rows of the pages before
---@field rows table[]
---@field next Position|nil nil: it is the last page
---@field readable string[] the prefixes of its keys

---@param position Position|nil
---@return ExportPage|nil page nil: the change log no longer reaches back to the position
local function page_now(user, prefix, position, max_bytes)
    local readable, revision = grants.readable(user, prefix), store.revision()
    local after, changes, bytes = nil, {}, 0
    if position ~= nil then
        if position.since > revision then
            errors.raise('RevisionAhead', revision)
        elseif position.since < change_log.oldest() then
            return nil
        end
        local since, skip
        after = position.after
        changes, bytes, since, skip =
            changes_after(position, readable, max_bytes * CHANGES_SHARE)
        if since ~= nil then
            return {
                revision = revision, changes = changes, rows = {}, readable = readable,
                next = { since = since, skip = skip, after = after },
            }
        end
    end
    local rows, is_last = rows_after(after, readable, max_bytes - bytes)
    local last = not is_last and rows[#rows][store.KEY] or nil
    return {
        revision = revision, changes = changes, rows = rows, readable = readable,
        next = not is_last and { since = revision, skip = 0, after = last } or nil,
    }
end

--- A page, which is on disk. Raises kv.TokenRevoked, kv.NotGranted.
-- Raises kv.ChangesOff where there is no change log.
-- Raises kv.RevisionAhead where the store has not reached the position.
---@param caller table {username, credentials_version}
---@param prefix string of the keys
---@param position Position|nil `next` of the page before; nil: this is the first page
---@param max_bytes number beyond which no change, or no row, is added
---@return ExportPage|nil page nil: the change log no longer reaches back to the position
function M.page(caller, prefix, position, max_bytes)
    local page
    repeat
        local user = authorize.check(caller) -- it may have waited
        if not change_log.is_enabled() then
            errors.raise('ChangesOff')
        end
        page = page_now(user, prefix, position, max_bytes)
    until transaction.commits:await_all()
    return page
end

return M
