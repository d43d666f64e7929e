--- Batches of an import: entries in the order of their lines, decided at one moment.
-- A key exists for an import if its row is not newer than `since`, the store's revision when the
-- import began. What is newer may come from an earlier line of the same file, or from an earlier
-- attempt: it is replaced or deleted in every mode. So an import that is repeated with the same
-- `since` has the same result, wherever its batches begin and end.
local expiry = require('kv.data.expiry')
local grants = require('kv.accounts.grants')
local errors = require('kv.base.errors')
local rows = require('kv.data.rows')
local store = require('kv.data.store')

local M = {}

--- The rights that a mode requires. One that depends on what is there reveals it.
M.RIGHTS = { overwrite = 'w', create = 'rw', skip = 'rw' }

--- What the entries so far have left of a key.
local WRITTEN, DELETED = 1, 2

---@class Outcome
---@field entries table positions of the entries that are written, by key
---@field states table WRITTEN or DELETED, by key
---@field order string[] the keys of `states`
---@field written number entries that have written or deleted their key
---@field skipped number entries that have not
---@field conflict number|nil the position of an entry whose key exists

local function note(outcome, key, state, position)
    if outcome.states[key] == nil then
        table.insert(outcome.order, key)
    end
    outcome.states[key], outcome.entries[key] = state, position
end

--- The revision of a key, or nil.
local function revision_of(key, now)
    local row = store.find(key, now)
    return row ~= nil and rows.revision(row) or nil
end

--- Decides what each entry does.
---@return Outcome
---@return table revisions of the live rows, by key
local function decide(batch, since, now)
    local outcome = { entries = {}, states = {}, order = {}, written = 0, skipped = 0 }
    local revisions, mode = {}, batch.mode
    for i, key in ipairs(batch.keys) do
        local state, revision = outcome.states[key], nil
        if state == nil then
            revision = revisions[key] or revision_of(key, now)
            revisions[key] = revision
        end
        local exists = revision ~= nil and revision <= since
        local expires_at = batch.expiries[i]
        local is_deletion = batch.values[i] == nil
        if is_deletion or (expires_at ~= nil and expires_at <= now) then
            -- an expired entry leaves nothing of an earlier one either
            local deletes = state == WRITTEN or (revision ~= nil and not exists)
            if deletes then
                note(outcome, key, DELETED)
            end
            local counter = deletes and is_deletion and 'written' or 'skipped'
            outcome[counter] = outcome[counter] + 1
        elseif exists and mode == 'create' then
            outcome.conflict = i
            return outcome, revisions
        elseif exists and mode == 'skip' then
            outcome.skipped = outcome.skipped + 1
        else
            note(outcome, key, WRITTEN, i)
            outcome.written = outcome.written + 1
        end
    end
    return outcome, revisions
end

--- The change of the store: what is written comes first.
local function change_of(batch, outcome, revisions)
    local keys, values, expiries = {}, {}, {}
    for _, key in ipairs(outcome.order) do
        local position = outcome.entries[key]
        if position ~= nil then
            table.insert(keys, key)
            table.insert(values, batch.values[position])
            local expires_at = batch.expiries[position]
            if expires_at ~= nil then
                expiries[#keys] = expires_at
                expiry.expect(expires_at)
            end
        end
    end
    local written = #keys
    for _, key in ipairs(outcome.order) do
        if outcome.states[key] == DELETED and revisions[key] ~= nil then
            table.insert(keys, key)
            table.insert(values, box.NULL)
        end
    end
    return {
        keys = keys, values = written > 0 and values or nil, written = written,
        expiries = expiries, result = { outcome.written, outcome.skipped },
    }
end

--- What nothing is written for.
local function refusal(...)
    return { keys = {}, result = { box.NULL, ... } }
end

--- Returns a plan for `transaction.execute`, which checks the rights itself. Its result is
-- {written, skipped}, the numbers of entries; or {null, position, verb} of an entry that the
-- account has no right to read or write; or {null, position, revision} of an entry whose key
-- exists, in mode `create`. The plan raises kv.RevisionAhead.
---@param batch table {keys =, values =, expiries =, mode =}; a null value deletes the key
---@param since number|nil nil: the newest revision
---@return function
function M.plan(batch, since)
    return function(now, user)
        local newest = store.revision()
        if since == nil then -- or null
            since = newest
        end
        if since > newest then
            errors.raise('RevisionAhead', newest)
        end
        local refused, verb = grants.first_refused(user, M.RIGHTS[batch.mode], batch.keys)
        if refused ~= nil then
            return refusal(refused, verb)
        end
        local outcome, revisions = decide(batch, since, now)
        if outcome.conflict ~= nil then
            local key = batch.keys[outcome.conflict]
            return refusal(outcome.conflict, revisions[key])
        end
        return change_of(batch, outcome, revisions)
    end
end

return M
