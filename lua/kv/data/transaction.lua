--- The one way in which the store changes: the conditions, the keys, the log of changes and
-- the outcome for a retry are one transaction and one step of the revision.
local admission = require('kv.accounts.authorize')
local changes = require('kv.data.change_log')
local conditions = require('kv.data.conditions')
local durability = require('kv.base.durability')
local grants = require('kv.accounts.grants')
local retries = require('kv.data.idempotency')
local room = require('kv.capacity')
local store = require('kv.data.store')
local time = require('kv.data.clock')

local M = {}

--- Writes on their way, by their revisions and by the keys that they delete.
M.journal = durability.new()

---@class Change
---@field keys string[] none: it is no step of the revision
---@field values string[]|nil JSON texts, one for each key; nil: the keys are deleted
---@field adds number|nil bytes; nil: it is a deletion, and gives some back
---@field expiries table|nil at the place of a key that expires: when, in seconds since 1970
---@field result any what the caller is told beside the revision

--- What a write replaces or deletes stays in memory as long as Lua refers to it, and Lua's
-- collector does not know how much that is. So it is called after so many bytes, as a share
-- of the instance's memory.
local GARBAGE_SHARE = 1 / 16
local garbage = 0 -- bytes since it was called last

local NO_EXPIRIES = {}

local function collect_garbage()
    if garbage > box.cfg.memtx_memory * GARBAGE_SHARE then
        garbage = 0
        collectgarbage()
    end
end

local function apply_one(change, revision, step)
    local bytes = change.adds
    if change.values ~= nil then
        store.replace(change.keys, change.values, change.expiries or NO_EXPIRIES, revision)
    else
        bytes = store.delete(change.keys)
    end
    garbage = garbage + 2 * bytes -- once more in the log of changes
    if step < room.LAST_STEP then
        changes.append(revision, change.keys, change.values)
    else
        changes.skip()
    end
end

local function apply(each, before, step, keep)
    for i = 1, #each do
        apply_one(each[i], before + i, step)
    end
    if #each > 0 then
        local revision = before + #each
        box.space.kv_meta:replace({ 'revision', revision })
    end
    if keep ~= nil then
        keep()
    end
end

--- Makes changes in one transaction, each a step of the revision.
---@param each Change[] none: only what `keep` writes
---@param before number the store's revision
---@param step number what was done to make room for it
---@param keep function|nil writes what else belongs to the transaction
local function commit(each, before, step, keep)
    local marks = {}
    for i = 1, #each do
        if each[i].values == nil then
            for _, key in ipairs(each[i].keys) do
                table.insert(marks, key)
            end
        end
        table.insert(marks, before + i)
    end
    collect_garbage()
    M.journal:commit(marks, apply, each, before, step, keep)
end

local function added(change)
    local keys, values = change.keys, change.values
    if values == nil then
        return #keys == 0 and 0 or nil -- a retry's outcome alone
    end
    local bytes = 0
    for i = 1, #keys do
        bytes = bytes + #keys[i] + #values[i]
    end
    return bytes
end

--- Either an answer that writes nothing, or the change to be made.
local function decide(caller, rights, keys, options, plan)
    local user = admission.check(caller) -- it may have waited
    local now = time.now()
    grants.check(user, rights, keys)
    if options.conditions ~= nil then
        grants.check(user, 'r', conditions.keys(options.conditions))
    end
    if options.retry ~= nil then
        local outcome = retries.outcome(user, options.retry, now)
        if outcome ~= nil then
            return outcome
        end
    end
    if options.conditions ~= nil then
        local conflicts, revisions = conditions.conflicts(options.conditions, now)
        if conflicts ~= nil then
            return { box.NULL, conflicts, revisions }
        end
    end
    if options.retry ~= nil then
        retries.admit()
    end
    local change = plan(now)
    if #change.keys == 0 and options.retry == nil then
        return { store.revision(), change.result }
    end
    return nil, change, user, now
end

--- Makes a change for a caller, or answers a retry as it was answered the first time.
-- Raises kv.TokenRevoked, kv.NotGranted, kv.IdempotencyConflict, and what `plan` raises.
---@param caller table {username, credentials_version}
---@param rights string to the keys
---@param keys string[]
---@param options table {conditions = …, retry = {key, fingerprint}}, each may be missing
---@param plan function takes the time, returns the Change; reads what it needs, must not yield
---@return number|nil revision nil: conditions do not hold
---@return any result of the change; without a revision the keys in conflict
---@return any revisions of the keys in conflict
function M.make(caller, rights, keys, options, plan)
    local step = 0
    while true do
        local ok, answer, change, user, now = pcall(decide, caller, rights, keys, options, plan)
        if change ~= nil then
            local each, before = #change.keys > 0 and { change } or {}, store.revision()
            local outcome = { before + #each, change.result }
            change.adds = added(change)
            if change.adds ~= nil then
                room.admit(change.adds)
            end
            local done, failure = pcall(commit, each, before, step, options.retry and function()
                retries.keep(user, options.retry, outcome, now)
            end)
            if done then
                return unpack(outcome)
            end
            step = room.make(failure, step, change.adds)
        else
            -- an answer that rests on what others wrote waits until that is on disk
            if M.journal:await_all() then
                time.settle()
                if not ok then
                    error(answer, 0)
                end
                return unpack(answer)
            end
        end
    end
end

--- What a write asks for; raises where it cannot be done at once and as it is.
local function plain(caller, keys, values)
    grants.check(admission.at_once(caller), 'w', keys)
    local change = { keys = keys, values = values }
    change.adds = added(change)
    room.admit(change.adds)
    return change
end

--- Writes of several callers in one transaction, that is one record of the log, though each
-- is a step of the revision of its own. One that would have to wait, to raise or to be
-- tried again is left out: it needs a call to itself.
---@param requests table[] each {caller, keys, values}
---@return table revisions one for each; null: nothing was written
function M.make_each(requests)
    local revisions, accepted, places = {}, {}, {}
    for i = 1, #requests do
        local ok, change = pcall(plain, unpack(requests[i]))
        revisions[i] = box.NULL
        if ok then
            table.insert(accepted, change)
            table.insert(places, i)
        end
    end
    local before = store.revision()
    if #accepted > 0 and pcall(commit, accepted, before, 0) then
        for i, place in ipairs(places) do
            revisions[place] = before + i
        end
    end
    return revisions
end

--- Deletes keys that have expired.
---@param find function returns them, at once
---@return string[] keys
function M.collect(find)
    local step = 0
    while true do
        local keys = find()
        if #keys == 0 then
            return keys
        end
        local done, failure = pcall(commit, { { keys = keys } }, store.revision(), step)
        if done then
            return keys
        end
        step = room.make(failure, step)
    end
end

--- The newest revision that is on disk.
function M.newest_on_disk()
    local revision = store.revision()
    while M.journal:pending(revision) ~= nil do
        revision = revision - 1
    end
    return revision
end

return M
