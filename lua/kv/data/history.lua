--- The history of a key: its part of the change log, as far back as that reaches.
--
-- A value at a revision is that of the last batch up to it that has the key. Without one, it is
-- the key's row, if that is not newer. Otherwise the change log does not reach back to the batch
-- that wrote it, or the batch was forgotten: the value is not kept. Batches that a version without
-- the index of keys has written count as if the log did not have them.
local fiber = require('fiber')

local authorize = require('kv.accounts.authorize')
local change_log = require('kv.data.change_log')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')
local tuples = require('kv.base.tuples')

local M = {}

--- Keys of large batches that are searched without a yield: some milliseconds of the instance's
-- one thread. An entry of the index counts as much as some keys.
local STEP, PER_BATCH = 20000, 10

--- The same for a page, which then ends early.
local MAX_SEARCHED = 500000

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

--- A function that counts what is searched, and yields after every step.
local function yielding()
    local searched, pause_at = 0, STEP
    return function(count)
        searched = searched + count + PER_BATCH
        if searched >= pause_at then
            pause_at = searched + STEP
            fiber.yield()
        end
        return searched
    end
end

--- A page of what is on disk. May yield: what is on disk stays so.
local function page(key, before, limit, max_bytes, shows)
    local entries, bytes, last, next_before, search = {}, 0, before, nil, yielding()
    change_log.each_of(key, before, function(found)
        if found.position ~= nil then
            local entry, value = entry_of(found.batch, found.revision, found.position, shows)
            bytes = bytes + PER_ENTRY + (value == nil and 0 or #value)
            if #entries == limit or (bytes > max_bytes and #entries > 0) then
                next_before = last
                return true
            end
            table.insert(entries, entry)
        end
        last = found.revision
        if search(found.count) >= MAX_SEARCHED then
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

--- Reads a page of the changes of a key that are on disk, the newest first. Raises
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
    transaction.commits:await_all()
    local user = authorize.check(caller)
    grants.check(user, 'r', { key })
    check_log()
    local newest = transaction.newest_on_disk()
    local from = (before == nil or before > newest) and newest + 1 or tonumber(before)
    local entries, next_before = page(key, from, limit, max_bytes, visibility(user, is_for_all))
    local oldest = change_log.oldest_indexed() -- it may have lost some in the meantime
    return entries, oldest, next_before
end

--- The first revision from `from` on at which it is known what a key was, besides by batches up to
-- `from`.
local function first_known(key, row, from)
    local written = row ~= nil and tonumber(row.revision) or nil
    local changed = change_log.first_after(key, from, yielding())
    if changed == nil and (written == nil or written <= from) then
        return from
    end
    return math.min(changed or math.huge, written or math.huge)
end

--- What a key was at a revision that is on disk. May yield: what is on disk stays so.
---@return string|nil value nil: there was none, or it is not kept
---@return number|nil written the revision of the value
---@return number|nil kept the first revision at which a value that is not kept can be read
local function value_at(key, revision)
    local row, oldest = store.index():get(key), change_log.oldest_indexed()
    tuples.note_garbage(row ~= nil and row:bsize() or 0)
    if revision >= oldest then
        local found
        local search = yielding()
        change_log.each_of(key, revision + 1, function(candidate)
            if candidate.revision <= oldest then
                return true
            end
            found = candidate.position ~= nil and candidate or nil
            search(candidate.count)
            return found ~= nil
        end)
        if found ~= nil then
            local value = value_in(found.batch, found.position)
            return value, value ~= nil and found.revision or nil, nil
        end
    end
    local known = first_known(key, row, math.max(revision, oldest))
    known = math.max(known, change_log.oldest()) -- it may have lost some in the meantime
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
    local value, written, kept
    transaction.commits:await_all()
    repeat
        grants.check(authorize.check(caller), 'r', { key })
        check_log()
        local newest = transaction.newest_on_disk()
        if revision > newest then
            errors.raise('RevisionAhead', newest)
        end
        value, written, kept = value_at(key, tonumber(revision))
    until transaction.commits:await_all()
    return value, written, kept
end

return M
