--- Version 1 of the procedures: all that the service may call.
-- The table holds procedures and nothing else: kv.exports publishes each as `kv.v1.<name>`. A
-- released version never changes its meaning; another signature belongs to another version.
--
-- A value is a JSON text, opaque here: returned as it was stored. Every write increments the
-- store's revision, once for all its keys. Procedures that take a caller raise kv.TokenRevoked
-- for an ended token; procedures that take keys also raise kv.NotGranted.
local accounts = require('kv.accounts.accounts')
local administration = require('kv.accounts.administration')
local authorize = require('kv.accounts.authorize')
local change_log = require('kv.data.change_log')
local changes = require('kv.api.changes')
local counter = require('kv.data.counter')
local errors = require('kv.base.errors')
local expiry = require('kv.data.expiry')
local grants = require('kv.accounts.grants')
local leader = require('kv.base.leader')
local metrics = require('kv.metrics')
local rows = require('kv.data.rows')
local stale_reads = require('kv.data.stale_reads')
local store = require('kv.data.store')
local throttle = require('kv.accounts.throttle')
local transaction = require('kv.data.transaction')

local M = {}

--- Modules with more procedures.
local PARTS = {
    require('kv.api.access_tokens'),
    require('kv.api.administration'),
    changes,
    require('kv.api.history'),
    require('kv.api.listings'),
    require('kv.api.reads'),
    require('kv.api.transfers'),
    require('kv.api.writes'),
}

local NO_OPTIONS = {}

---@class Caller {username, credentials_version}, as in the verified token; {'', hash} of an access
-- token. It has no right to change accounts and tokens: their procedures raise kv.SessionRequired.

--- Describes this instance. Every node of a cluster answers.
---@return table state
function M.status()
    local status = leader.status()
    status.lag = stale_reads.lag() or box.NULL
    return status
end

--- The metrics of this instance. Every node of a cluster answers.
---@return table metrics see kv.metrics
function M.metrics()
    return metrics.collect()
end

--- Counts a sign-up from this address, unless there were too many.
---@param address string
---@return number|nil wait seconds; nil: the sign-up may proceed
function M.begin_sign_up(address)
    return throttle.begin_sign_up(address)
end

---@param username string
---@return boolean whether there is an account of this name
function M.has_user(username)
    return accounts.find(username) ~= nil
end

--- Raises kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param username string
---@param password_hash string
---@param everything boolean|nil true: it may read and write every key; else the default grants
function M.create_user(username, password_hash, everything)
    accounts.create(username, password_hash, everything and grants.EVERYTHING or nil)
end

--- Counts a login as failed, unless there were too many, and returns what a check of its
-- password needs. For a name without an account, too, so that clients cannot distinguish it.
---@param username string
---@param address string
---@return number|nil wait seconds; nil: the login may proceed
---@return number[]|nil costs the lowest and the highest one of all accounts' hashes
---@return string|nil password_hash nil: nobody can log in with this name
---@return number|nil credentials_version
function M.begin_login(username, address)
    local wait = throttle.begin_login(username, address)
    if wait ~= nil then
        return wait
    end
    local user = accounts.find(username)
    if user == nil or user.disabled then
        return nil, accounts.hash_costs(), nil, nil
    end
    return nil, accounts.hash_costs(), user.password_hash, user.credentials_version
end

--- Takes back that a login was counted as failed.
---@param username string
---@param address string
---@param succeeded boolean false: its password was not checked
function M.end_login(username, address, succeeded)
    throttle.end_login(username, address, succeeded)
end

--- Stores another hash of the same password, unless the password has been changed since.
---@param username string
---@param known_hash string
---@param new_hash string
function M.rehash(username, known_hash, new_hash)
    local user = accounts.find(username)
    if user ~= nil and user.password_hash == known_hash then
        accounts.update(username, { password_hash = new_hash }, false)
    end
end

--- Describes the caller's own account.
---@param caller Caller
---@return number created_at seconds since 1970
---@return table grants each {prefix =, rights =}
function M.account(caller)
    local user = authorize.check(caller)
    return user.created_at, grants.to_objects(user.grants)
end

--- Ends every token of the caller's account, except access tokens.
---@param caller Caller
function M.end_tokens(caller)
    authorize.check_session(caller)
    accounts.update(caller[1], {}, true)
end

--- Changes the password of the caller's account and ends its tokens, access tokens too.
---@param caller Caller
---@param password_hash string
---@return number credentials_version for a new token
function M.set_password(caller, password_hash)
    authorize.check_session(caller)
    local fields = { password_hash = password_hash }
    return accounts.update(caller[1], fields, true, true).credentials_version
end

--- Deletes the caller's account. Raises kv.LastAdministrator.
---@param caller Caller
function M.delete_user(caller)
    administration.leave(caller)
end

--- Writes all the keys or none. Raises kv.IdempotencyConflict, kv.RetriesFull, kv.MemoryFull,
-- kv.DiskFull.
---@param caller Caller
---@param keys string[]
---@param values string[] JSON texts, one for each key
---@param options table|nil {conditions =, retry =, ttl =}: see kv.data.transaction; ttl in s
---@return number|nil revision nil: conditions do not hold
---@return string[]|nil keys in conflict
---@return number[]|nil revisions of the keys in conflict
function M.put(caller, keys, values, options)
    options = options or NO_OPTIONS
    return transaction.execute(caller, 'w', keys, options, function(now)
        local change = { keys = keys, values = values }
        if options.ttl ~= nil then
            local expires_at = now + options.ttl
            change.expiries = {}
            for i = 1, #keys do
                change.expiries[i] = expires_at
            end
            expiry.expect(expires_at)
        end
        return change
    end)
end

--- Executes many independent `put` without options. One that is left out needs a call of its
-- own, which can wait and raise.
---@param requests table[] each {caller, keys, values}
---@return table revisions one for each request; null: it was left out, nothing was written
function M.put_each(requests)
    return transaction.execute_each(requests)
end

--- Deletes those of the keys that exist, all or none. Raises kv.IdempotencyConflict,
-- kv.RetriesFull.
---@param caller Caller
---@param keys string[] each once
---@param options table|nil {conditions =, retry =}: see kv.data.transaction
---@return number|nil revision nil: conditions do not hold
---@return number|string[] deleted their number; without a revision the keys in conflict
---@return number[]|nil revisions of the keys in conflict
function M.delete(caller, keys, options)
    return transaction.execute(caller, 'w', keys, options or NO_OPTIONS, function(now)
        local found = {}
        for _, key in ipairs(keys) do
            if store.find(key, now) ~= nil then
                table.insert(found, key)
            end
        end
        return { keys = found, result = #found }
    end)
end

--- Adds to counters, all or none. A missing key counts from 0; a key keeps its expiry. The
-- caller needs the right to read, because it learns the new values. Raises
-- kv.IdempotencyConflict, kv.RetriesFull, kv.NotACounter, kv.CounterOverflow, kv.MemoryFull,
-- kv.DiskFull.
---@param caller Caller
---@param keys string[] each once
---@param deltas number[] 64-bit integers, one for each key
---@param options table|nil {retry =}: see kv.data.transaction
---@return number revision
---@return string[] values the new ones, one for each key
function M.increment(caller, keys, deltas, options)
    return transaction.execute(caller, 'rw', keys, options or NO_OPTIONS, function(now)
        local values, expiries = {}, {}
        for i, key in ipairs(keys) do
            local row = store.find(key, now)
            local count = row == nil and 0LL or counter.parse(rows.text(row))
            local expires_at = row ~= nil and rows.expires_at(row) or nil
            if count == nil then
                errors.raise('NotACounter', errors.quoted(key))
            end
            local sum = counter.sum(count, counter.from_number(deltas[i]))
            if sum == nil then
                errors.raise('CounterOverflow', errors.quoted(key), counter.text(count))
            end
            values[i] = counter.text(sum)
            expiries[i] = expires_at
        end
        return { keys = keys, values = values, expiries = expiries, result = values }
    end)
end

--- Returns the changes after a revision, in whole batches reduced to the keys with a prefix
-- that the caller may read; a batch with written and with deleted keys is two of the same
-- revision. Raises kv.ChangesOff, kv.RevisionAhead. The service calls `read_changes`.
---@param caller Caller
---@param since number|nil nil: the newest revision
---@param prefix string
---@param max_bytes number of the batches that are read; the first one may be larger
---@return table|nil batches each {revision, keys, values or nothing: deleted}; null: the log no
-- longer has all changes after `since`
---@return number through the revision to resume from; without batches the oldest possible one
---@return number|nil newest the newest revision on disk
---@return string[] prefixes that the caller may read
---@return number epoch of the accounts, at which these prefixes are valid
function M.changes(caller, since, prefix, max_bytes)
    local batches, through, newest, readable, epoch =
        changes.read_changes(caller, since, prefix, max_bytes)
    return change_log.separated(batches), through, newest, readable, epoch
end

--- Waits for changes of any key after a revision, or of an account after an epoch, and returns
-- them as `changes` does. For the service itself, which shows its clients what they may read of
-- it. Raises kv.ChangesOff, kv.RevisionAhead. The service calls `follow_changes`.
---@param since number
---@param epoch number of the accounts
---@param max_bytes number as in `changes`
---@param seconds number to wait at most
---@return table|nil batches empty: the time is over; null: as in `changes`
---@return number through
---@return number|nil newest
---@return number epoch of the accounts
---@return string[]|nil changed names of changed accounts; null: any may have changed
function M.follow(since, epoch, max_bytes, seconds)
    local batches, through, newest, now, changed =
        changes.follow_changes(since, epoch, max_bytes, seconds)
    return change_log.separated(batches), through, newest, now, changed
end

for _, part in ipairs(PARTS) do
    for name, procedure in pairs(part) do
        M[name] = procedure
    end
end

return M
