--- Pages of an export: the rows in byte order, and the changes of the rows before.
--
-- A page shows one moment, and an export as a whole the moment at which its last row was read,
-- the end. Each page begins with keys that have changed since they were exported, each as it is
-- now, in the place of its newest change in the log. All writers together may change more than the
-- pages have space for. So a page has a row after its changes in any case, and what is left at the
-- end, the changes up to there, follows on pages of its own. A key that has changed again after
-- the end is on them as the log has it, not as it is now: the last of its lines is true.
--
-- An expired row that has not been collected is a row: its collection is a change.
local authorize = require('kv.accounts.authorize')
local change_log = require('kv.data.change_log')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local prefixes = require('kv.base.prefixes')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')
local tuples = require('kv.base.tuples')

local M = {}

--- Bytes of a row besides its texts: it takes about as many in the service.
local PER_ROW = 128

--- The cost of reading a batch, of each of its keys, and of the state of a key, in bytes of rows
-- that could be read instead.
local PER_BATCH, PER_KEY, PER_STATE = 64, 16, 64

--- The part of a page that changes may take before the end: the rest is for rows.
local CHANGES_SHARE = 7 / 8

---@class Position where a page begins
---@field since number the revision up to which changes are exported
---@field skip number keys of the next batch that are exported, too
---@field after string the key up to which rows are exported
---@field target number|nil the revision of the end; nil: before the end
---@field edition number of the change log, when the end was reached or, before that, lately

--- What a key is at the target, unless a later batch says that.
---@param batch table
---@param position number of the key in the batch
---@param revision number of the batch
---@param target number
---@param is_past boolean whether the target is not the present moment
---@return table|nil row without a value: it is deleted; nil: a later batch has the key
---@return boolean|nil is_lost whether its expiry is not known: an earlier version made the batch
local function state_at(batch, position, key, revision, target, is_past)
    local row = store.index():get(key)
    tuples.note_garbage(row ~= nil and row:bsize() or 0)
    local written = row ~= nil and tonumber(row[store.REVISION]) or math.huge
    if written == revision then
        return row
    elseif written <= target then
        return nil
    elseif not is_past then
        return { key, nil, revision }
    end
    local value = batch[('values[%d]'):format(position)]
    if value == nil then
        return { key, nil, revision }
    end
    return { key, value, revision, batch[('expiries[%d]'):format(position)] }, batch.at == nil
end

---@class Changes
---@field rows table[] without a value: deleted
---@field bytes number
---@field since number where the changes after these begin
---@field skip number
---@field are_all boolean whether there are none up to the target

--- Keys that have changed after a position and up to a revision, of those exported before.
---@param position Position
---@param target number
---@param readable string[] prefixes
---@param max_bytes number beyond which no row is added
---@return Changes|nil changes nil: the log lacks some of them
local function changes_after(position, target, readable, max_bytes)
    local rows, places, bytes, after = {}, {}, 0, position.after
    local is_past = position.target ~= nil
    -- in another edition, keys before these may be missing from the batch: it begins again
    local skip = position.edition == change_log.edition() and position.skip or 0
    for _, batch in change_log.pairs(position.since) do
        local revision, keys = tonumber(batch.revision), batch.keys
        if revision > target then
            break
        end
        tuples.note_garbage(batch:bsize())
        bytes = bytes + PER_BATCH
        for i = skip + 1, #keys do
            local key = keys[i]
            if bytes > max_bytes then
                return { rows = rows, bytes = bytes, since = revision - 1, skip = i - 1 }
            end
            bytes = bytes + PER_KEY
            if key <= after and prefixes.match_any(key, readable) then
                bytes = bytes + PER_STATE
                local row, is_lost = state_at(batch, i, key, revision, target, is_past)
                if is_lost then
                    return nil
                elseif row ~= nil then
                    places[key] = places[key] or #rows + 1
                    rows[places[key]] = row
                    bytes = bytes + PER_ROW + #key + #(row[store.VALUE] or '')
                end
            end
        end
        skip = 0
    end
    return { rows = rows, bytes = bytes, since = target, skip = 0, are_all = true }
end

local function rows_from(prefix, after)
    if after ~= nil and after >= prefix then
        return box.space.kv:pairs(after, { iterator = 'GT' })
    end
    return box.space.kv:pairs(prefix, { iterator = 'GE' })
end

--- The rows after a key. There is one at least, if there are any.
---@return table[] rows
---@return boolean are_all
local function rows_after(after, readable, max_bytes)
    local rows, bytes = {}, 0
    for _, prefix in ipairs(readable) do
        for _, row in rows_from(prefix, after) do
            if not row[store.KEY]:startswith(prefix) then
                break
            end
            tuples.note_garbage(row:bsize())
            bytes = bytes + PER_ROW + row:bsize()
            if bytes > max_bytes and #rows > 0 then
                return rows, false
            end
            table.insert(rows, row)
        end
    end
    return rows, true
end

local NO_CHANGES = { rows = {}, bytes = 0, since = 0, skip = 0, are_all = true }

--- The first page, or one before the end.
local function page_with_rows(position, revision, readable, max_bytes)
    local changes, after = NO_CHANGES, nil
    if position ~= nil then
        after = position.after
        changes = changes_after(position, revision, readable, max_bytes * CHANGES_SHARE)
        if changes == nil then
            return nil
        end
    end
    local rows, are_all = rows_after(after, readable, max_bytes - changes.bytes)
    local page = { revision = revision, changes = changes.rows, rows = rows, readable = readable }
    if not (are_all and changes.are_all) then
        page.next = {
            since = changes.are_all and revision or changes.since, skip = changes.skip,
            after = #rows > 0 and rows[#rows][store.KEY] or after,
            target = are_all and revision or nil,
            edition = change_log.edition(),
        }
    end
    return page
end

--- A page after the end.
local function page_of_changes(position, readable, max_bytes)
    local changes = position.edition == change_log.edition()
        and changes_after(position, position.target, readable, max_bytes) or nil
    if changes == nil then
        return nil
    end
    local page = {
        revision = position.target, changes = changes.rows, rows = {}, readable = readable,
    }
    if not changes.are_all then
        page.next = {
            since = changes.since, skip = changes.skip, after = position.after,
            target = position.target, edition = position.edition,
        }
    end
    return page
end

---@class ExportPage
---@field revision number the export with this page has the state of this revision
---@field changes table[] of rows of the pages before
---@field rows table[]
---@field next Position|nil nil: it is the last page
---@field readable string[] the prefixes of its keys

---@param position Position|nil
---@return ExportPage|nil page nil: the change log lacks changes after the position
local function page_now(user, prefix, position, max_bytes)
    local readable, revision = grants.readable(user, prefix), store.revision()
    if position ~= nil then
        if math.max(position.since, position.target or 0) > revision then
            errors.raise('RevisionAhead', revision)
        elseif position.since < change_log.oldest() then
            return nil
        end
        if position.target ~= nil then
            return page_of_changes(position, readable, max_bytes)
        end
    end
    return page_with_rows(position, revision, readable, max_bytes)
end

--- A page, which is on disk. Raises kv.TokenRevoked, kv.NotGranted.
-- Raises kv.ChangesOff where there is no change log.
-- Raises kv.RevisionAhead where the store has not reached the position.
---@param caller table {username, credentials_version}
---@param prefix string of the keys
---@param position Position|nil `next` of the page before; nil: this is the first page
---@param max_bytes number beyond which no change, or no row, is added
---@return ExportPage|nil page nil: the change log lacks changes after the position
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
