--- The history of a key: its part of the change log, as far back as that reaches.
--
-- A value at a revision is that of the last batch up to it that has the key. Without one, it is
-- the key's row, if that is not newer. Otherwise the change log does not reach back to the batch
-- that wrote it, or the batch was forgotten: the value is not kept.
local authorize = require('kv.accounts.authorize')
local change_log = require('kv.data.change_log')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- The work for a page: keys of batches that are searched for its own, and as many more for each
-- batch as take the same time. A page may exceed it by one batch. It is some milliseconds of the
-- instance's one thread.
local MAX_SEARCHED, PER_BATCH = 20000, 10

--- Bytes of an entry besides its value, at most: numbers, the name of an account.
local PER_ENTRY = 512

local DELETED, EXPIRED = 'deleted', 'expired'

local function check_log()
    if not change_log.is_enabled() then
        errors.raise('ChangesOff')
    end
end

--- The value of a key in a batch; nil: it was deleted.
local function value_in(batch, position)
    return batch[('values[%d]'):format(position)]
end

--- Why a batch has no value for a key. Only the collector has a time and no account.
local function cause_in(batch)
    return batch.at ~= nil and batch.by == nil and EXPIRED or DELETED
end

local function entry_of(batch, revision, position, shows)
    local value = value_in(batch, position)
    return {
        revision,
        batch.at == nil and box.NULL or batch.at,
        batch.by ~= nil and shows(batch.account) and batch.by or box.NULL,
        value == nil and box.NULL or value,
        value == nil and cause_in(batch) or box.NULL,
    }, value
end

--- A page of the present moment, pending commits included.
local function page(key, before, limit, max_bytes, shows)
    local entries, bytes, searched, last, next_before = {}, 0, 0, nil, nil
    change_log.each_of(key, before, function(batch, revision, position, count)
        local entry, value = entry_of(batch, revision, position, shows)
        bytes = bytes + PER_ENTRY + (value == nil and 0 or #value)
        if #entries == limit or (bytes > max_bytes and #entries > 0) then
            next_before = last
            return true
        end
        table.insert(entries, entry)
        last, searched = revision, searched + count + PER_BATCH
        if searched >= MAX_SEARCHED then
            next_before = last
            return true
        end
        return false
    end)
    return entries, next_before
end

--- Which accounts a caller is shown.
local function visibility(user, is_for_all)
    return function(account)
        return is_for_all or user.administrator == true
            or (account ~= nil and account == user.id)
    end
end

--- Reads a page of the changes of a key, the newest first; returns when they are on disk. Raises
-- kv.TokenRevoked, kv.NotGranted, kv.ChangesOff.
---@param caller table {username, credentials_version}
---@param key string
---@param before number|nil the changes of lower revisions; nil: all
---@param limit number changes of a page
---@param max_bytes number of a page; its first change may be larger
---@param is_for_all boolean whether every caller is shown who made a change, not only that
-- account and administrators
---@return table[] entries each {revision, at, by, value, cause}; null: not known or not shown;
-- cause: why there is no value, `deleted` or `expired`
---@return number oldest the revision after which the log has every change
---@return number|nil next `before` of the next page; nil: there is none
function M.changes(caller, key, before, limit, max_bytes, is_for_all)
    local entries, oldest, next_before
    repeat
        local user = authorize.check(caller)
        grants.check(user, 'r', { key })
        check_log()
        local newest = store.revision()
        local from = (before == nil or before > newest) and newest + 1 or tonumber(before)
        oldest = change_log.oldest()
        entries, next_before = page(key, from, limit, max_bytes, visibility(user, is_for_all))
    until transaction.commits:await_all()
    return entries, oldest, next_before
end

--- The first revision from `from` on at which it is known what a key was, besides by batches up to
-- `from`.
local function first_known(key, row, from)
    local written = row ~= nil and tonumber(row.revision) or nil
    local changed = change_log.first_after(key, from)
    if changed == nil and (written == nil or written <= from) then
        return from
    end
    return math.min(changed or math.huge, written or math.huge)
end

--- What a key was at a revision, at the present moment, pending commits included.
---@return string|nil value nil: there was none, or it is not kept
---@return number|nil written the revision of the value
---@return number|nil kept the first revision at which a value that is not kept can be read
local function value_at(key, revision)
    local row, oldest = store.index():get(key), change_log.oldest()
    if revision >= oldest then
        local is_found, value, written = false, nil, nil
        change_log.each_of(key, revision + 1, function(batch, of_batch, position)
            is_found, value, written = true, value_in(batch, position), of_batch
            return true
        end)
        if is_found then
            return value, value ~= nil and written or nil, nil
        end
    end
    local known = first_known(key, row, math.max(revision, oldest))
    if known > revision then
        return nil, nil, known
    elseif row == nil then
        return nil, nil, nil
    end
    return row.value, tonumber(row.revision), nil
end

--- Reads the value of a key at a revision; returns when what it depends on is on disk. An expired
-- key has its value until the revision of its deletion. Raises kv.TokenRevoked, kv.NotGranted,
-- kv.ChangesOff; kv.RevisionAhead where the store has not reached the revision.
---@param caller table {username, credentials_version}
---@param key string
---@param revision number
---@return string|nil value nil: there was none, or it is not kept
---@return number|nil written the revision of the value
---@return number|nil kept the first revision at which a value that is not kept can be read
function M.value_at(caller, key, revision)
    local newest, value, written, kept
    repeat
        grants.check(authorize.check(caller), 'r', { key })
        check_log()
        newest = store.revision()
        if revision <= newest then
            value, written, kept = value_at(key, tonumber(revision))
        end
    until transaction.commits:await_all()
    if revision > newest then
        errors.raise('RevisionAhead', newest)
    end
    return value, written, kept
end

return M
