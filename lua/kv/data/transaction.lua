--- The one way in which the store changes. Conditions, keys, change log and idempotency record
-- are one transaction, which increments the revision once.
local authorize = require('kv.accounts.authorize')
local capacity = require('kv.capacity')
local change_log = require('kv.data.change_log')
local clock = require('kv.data.clock')
local conditions = require('kv.data.conditions')
local durability = require('kv.base.durability')
local grants = require('kv.accounts.grants')
local idempotency = require('kv.data.idempotency')
local leader = require('kv.base.leader')
local lease = require('kv.base.lease')
local quorum = require('kv.base.quorum')
local store = require('kv.data.store')
local tuples = require('kv.base.tuples')

local M = {}

--- Commits, tagged with their revisions and with the keys that they delete.
M.commits = durability.new()

---@class Change
---@field keys string[] each once; none: it does not increment the revision
---@field values string[]|nil JSON texts, one for each key; nil: the keys are deleted
---@field written number|nil the first keys, which are written; the others are deleted, and have
-- null in `values`. nil: all of them, if there are values
---@field expiries table|nil seconds since 1970, at the positions of the keys that expire
---@field result any what the procedure returns besides the revision
---@field added_bytes number|nil set here; nil: it is a deletion, and frees some
---@field at number set here: the time, seconds since 1970
---@field by string|nil set here: the account's name; nil: the keys have expired
---@field account number|nil set here: the account's id

local function count_written(change)
    return change.values == nil and 0 or change.written or #change.keys
end

local function apply_one(change, revision, step)
    local keys, written = change.keys, count_written(change)
    if written > 0 then
        store.replace(keys, change.values, change.expiries, revision, written)
    end
    if written < #keys then
        store.delete(keys, written + 1)
    end
    if step < capacity.LAST_STEP then
        change_log.append(revision, change)
    else
        change_log.skip()
    end
end

local function apply(changes, before, step, save_record)
    for i = 1, #changes do
        apply_one(changes[i], before + i, step)
    end
    if #changes > 0 then
        local revision = before + #changes
        tuples.release(box.space.kv_meta:replace({ 'revision', revision }))
    end
    if save_record ~= nil then
        save_record()
    end
end

--- Commits changes in one transaction. Each increments the revision.
---@param changes Change[] none: only the idempotency record is written
---@param before number the store's revision
---@param step number the last step of `capacity.free_memory`
---@param save_record function|nil
local function commit(changes, before, step, save_record)
    local tags = {}
    for i = 1, #changes do
        local keys = changes[i].keys
        for j = count_written(changes[i]) + 1, #keys do
            table.insert(tags, keys[j])
        end
        table.insert(tags, before + i)
    end
    M.commits:commit(tags, apply, changes, before, step, save_record)
end

local function count_added_bytes(change)
    local keys, values = change.keys, change.values
    if values == nil then
        return #keys == 0 and 0 or nil -- without keys there is only the idempotency record
    end
    local bytes = 0
    for i = 1, count_written(change) do
        bytes = bytes + #keys[i] + #values[i]
    end
    return bytes
end

--- Notes who makes a change, for the change log.
local function sign(change, user, now)
    change.at, change.by, change.account = now, user.username, user.id
end

--- Either a result that writes nothing, or the change to commit.
local function prepare(caller, rights, keys, options, plan)
    local user = authorize.check(caller) -- it may have waited
    local now = clock.now()
    grants.check(user, rights, keys)
    if options.conditions ~= nil then
        grants.check(user, 'r', conditions.keys(options.conditions))
    end
    if options.retry ~= nil then
        local result = idempotency.find(user, options.retry, now)
        if result ~= nil then
            return result
        end
    end
    if options.conditions ~= nil then
        local conflicts, revisions = conditions.conflicts(options.conditions, now)
        if conflicts ~= nil then
            return { box.NULL, conflicts, revisions }
        end
    end
    if options.retry ~= nil then
        idempotency.admit()
    end
    local change = plan(now, user)
    if #change.keys == 0 and options.retry == nil then
        return { store.revision(), change.result }
    end
    return nil, change, user, now
end

--- Executes a write of a caller. A request that is made again gets the result of the first one.
-- Raises kv.TokenRevoked.
-- Raises kv.NotGranted.
-- Raises kv.IdempotencyConflict where another request had the idempotency key.
-- Raises kv.RetriesFull where there is no memory for another idempotency record.
-- Raises kv.MemoryFull and kv.DiskFull where the change adds data.
-- Raises kv.NotLeader and kv.NotConfirmed as quorum.commit does.
-- Raises what `plan` raises.
---@param caller table {username, credentials_version}
---@param rights string to the keys
---@param keys string[]
---@param options table {conditions = …, retry = {key, fingerprint}}, both optional
---@param plan function takes the time and the VerifiedCaller, returns the Change; may read, must
-- not yield
---@return number|nil revision nil: conditions do not hold
---@return any result of the change; without a revision the keys in conflict
---@return any revisions of the keys in conflict
function M.execute(caller, rights, keys, options, plan)
    local step = 0
    while true do
        local term = leader.term()
        local ok, result, change, user, now = pcall(prepare, caller, rights, keys, options, plan)
        if change ~= nil then
            local changes, before = #change.keys > 0 and { change } or {}, store.revision()
            sign(change, user, now)
            result = { before + #changes, change.result }
            change.added_bytes = count_added_bytes(change)
            if change.added_bytes ~= nil then
                capacity.admit(change.added_bytes, change.values)
            end
            local done, failure = pcall(commit, changes, before, step, options.retry and function()
                idempotency.save(user, options.retry, result, now)
            end)
            if done then
                return unpack(result)
            end
            step = capacity.free_memory(failure, step, change.added_bytes)
        else
            -- the result depends on what others wrote: it waits until that is on disk
            if M.commits:await_all() then
                clock.settle()
                lease.check(term)
                if not ok then
                    error(result, 0)
                end
                return unpack(result)
            end
        end
    end
end

--- The change of a write without options. Raises where it cannot be committed at once.
local function prepare_plain(now, caller, keys, values)
    local user = authorize.check_without_waiting(caller)
    grants.check(user, 'w', keys)
    local change = { keys = keys, values = values }
    sign(change, user, now)
    change.added_bytes = count_added_bytes(change)
    capacity.admit(change.added_bytes, values)
    return change
end

--- Executes writes of several callers in one transaction, which is one record of the
-- write-ahead log; each increments the revision. A write that would have to wait, to raise or
-- to be tried again is left out: it needs a call of its own. Raises kv.NotConfirmed where they
-- may still be applied: another call could apply them twice.
---@param requests table[] each {caller, keys, values}
---@return table revisions one for each request; null: nothing was written
function M.execute_each(requests)
    local revisions, changes, positions, now = {}, {}, {}, clock.now()
    for i = 1, #requests do
        local ok, change = pcall(prepare_plain, now, unpack(requests[i]))
        revisions[i] = box.NULL
        if ok then
            table.insert(changes, change)
            table.insert(positions, i)
        end
    end
    if #changes == 0 then
        return revisions
    end
    local before = store.revision()
    local done, failure = pcall(commit, changes, before, 0)
    if done then
        for i, position in ipairs(positions) do
            revisions[position] = before + i
        end
    elseif quorum.is_unknown(failure) then
        error(failure, 0)
    end
    return revisions
end

--- Deletes expired keys.
---@param find function returns them; must not yield
---@return string[] keys
function M.delete_expired(find)
    local step = 0
    while true do
        local keys = find()
        if #keys == 0 then
            return keys
        end
        local change = { keys = keys, at = clock.now() }
        local done, failure = pcall(commit, { change }, store.revision(), step)
        if done then
            return keys
        end
        step = capacity.free_memory(failure, step)
    end
end

--- The newest revision that is on disk.
function M.newest_on_disk()
    local revision = store.revision()
    while M.commits:pending(revision) ~= nil do
        revision = revision - 1
    end
    return revision
end

return M
