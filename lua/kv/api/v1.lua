--- Keys and values. A value is JSON text, opaque here: stored and returned as it came.
-- Every write is one step of the store's revision, the same for all its keys.
local accounts = require('kv.accounts.accounts')
local admission = require('kv.accounts.authorize')
local changes = require('kv.data.change_log')
local clock = require('clock')
local counter = require('kv.data.counter')
local durability = require('kv.base.durability')
local errors = require('kv.base.errors')
local expiry = require('kv.data.expiry')
local grants = require('kv.accounts.grants')
local listing = require('kv.data.listing')
local store = require('kv.data.store')
local time = require('kv.data.clock')
local writes = require('kv.data.transaction')

local M = {}

--- Seconds between two looks of a read-only instance at the log, which others fill.
local REPLICA_INTERVAL = 0.1

local NO_OPTIONS = {}

local KEY, VALUE = store.KEY, store.VALUE
local REVISION, EXPIRES_AT = store.REVISION, store.EXPIRES_AT

--- Writes all the keys or none. Raises kv.TokenRevoked, kv.NotGranted,
-- kv.IdempotencyConflict.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param values string[] JSON texts, one for each key
---@param options table|nil {conditions =, retry =, ttl =}: see kv.data.transaction; ttl in seconds
---@return number|nil revision nil: conditions do not hold
---@return string[]|nil keys in conflict
---@return number[]|nil revisions of the keys in conflict
function M.put(caller, keys, values, options)
    options = options or NO_OPTIONS
    return writes.make(caller, 'w', keys, options, function(now)
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

--- Many independent `put` without options. One that is left out needs a call to itself, which
-- can wait and raise.
---@param requests table[] each {caller, keys, values}
---@return table revisions one for each; null: it was left out, and nothing written
M.put_each = writes.make_each

--- Deletes those of the keys that are there, all or none.
-- Raises kv.TokenRevoked, kv.NotGranted, kv.IdempotencyConflict.
---@param caller table {username, credentials_version}
---@param keys string[] each once
---@param options table|nil {conditions =, retry =}: see kv.data.transaction
---@return number|nil revision nil: conditions do not hold
---@return number|string[] deleted their number; without a revision the keys in conflict
---@return number[]|nil revisions of the keys in conflict
function M.delete(caller, keys, options)
    return writes.make(caller, 'w', keys, options or NO_OPTIONS, function(now)
        local found = {}
        for _, key in ipairs(keys) do
            if store.find(key, now) ~= nil then
                table.insert(found, key)
            end
        end
        return { keys = found, result = #found }
    end)
end

--- Adds to counters, all or none; a missing key counts from 0, a key keeps its expiry. Who
-- is told the new value must be allowed to read it. Raises kv.TokenRevoked, kv.NotGranted,
-- kv.IdempotencyConflict, kv.NotACounter, kv.CounterOverflow.
---@param caller table {username, credentials_version}
---@param keys string[] each once
---@param deltas number[] integers of 64 bits, one for each key
---@param options table|nil {retry =}: see kv.data.transaction
---@return number revision
---@return string[] values the new ones, one for each key
function M.increment(caller, keys, deltas, options)
    return writes.make(caller, 'rw', keys, options or NO_OPTIONS, function(now)
        local values, expiries = {}, {}
        for i, key in ipairs(keys) do
            local row = store.find(key, now)
            local count = row == nil and 0LL or counter.parse(row.value)
            if count == nil then
                errors.raise('NotACounter', errors.quoted(key))
            end
            local sum = counter.sum(count, counter.from_number(deltas[i]))
            if sum == nil then
                errors.raise('CounterOverflow', errors.quoted(key), counter.text(count))
            end
            values[i] = counter.text(sum)
            expiries[i] = row ~= nil and row.expires_at or nil
        end
        return { keys = keys, values = values, expiries = expiries, result = values }
    end)
end

--- The rows of one moment and their bytes, which beyond `max_bytes` are an upper bound; and
-- the newest write that must be on disk before a client may learn of them.
local function rows_now(keys, max_bytes, now)
    local index, journal = store.index(), writes.journal
    local rows, newest, bytes, deletion = {}, 0, 0, nil
    for i = 1, #keys do
        local row = index:get(keys[i])
        if row == nil then
            deletion = durability.later(deletion, journal:pending(keys[i]))
        else
            newest = math.max(newest, tonumber(row[REVISION]))
            if store.is_live(row, now) then
                if bytes <= max_bytes then
                    bytes = bytes + #keys[i] + #row[VALUE]
                    rows[i] = row
                else
                    bytes = bytes + row:bsize() -- without a Lua string of each value
                end
            end
        end
    end
    return rows, bytes, durability.later(deletion, journal:pending(newest))
end

--- One for each key: a field of its row, or null.
local function column(rows, count, field)
    local values = {}
    for i = 1, count do
        local row = rows[i]
        values[i] = row ~= nil and row[field] or box.NULL
    end
    return values
end

--- Reads all the keys at one moment, nothing of which a crash can take back.
-- Raises kv.TokenRevoked, kv.NotGranted, kv.ReplyTooLarge.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number what the keys and values found may take together
---@param detailed boolean|nil whether to return more than the values
---@param sized boolean|nil whether a number is returned in place of kv.ReplyTooLarge
---@return table|number values one for each key: a JSON text, or null where there is none; the
-- bytes that the keys and values take at most, where that is more than max_bytes
---@return table|nil revisions one for each key, or null
---@return table|nil left one for each key: seconds until it expires, or null
function M.get(caller, keys, max_bytes, detailed, sized)
    local rows, bytes, newest, now
    repeat
        grants.check(admission.check(caller), 'r', keys)
        now = time.now()
        rows, bytes, newest = rows_now(keys, max_bytes, now)
    until writes.journal:await(newest)
    time.settle()
    if bytes > max_bytes and sized then
        return bytes
    elseif bytes > max_bytes then
        errors.raise('ReplyTooLarge', bytes, max_bytes)
    end
    local values = column(rows, #keys, VALUE)
    if not detailed then
        return values
    end
    local left = column(rows, #keys, EXPIRES_AT)
    for i = 1, #keys do
        left[i] = left[i] ~= nil and left[i] - now or box.NULL
    end
    return values, column(rows, #keys, REVISION), left
end

--- The values, or their bytes where these are too many, or nil where a result has to wait.
local function get_at_once(caller, keys, max_bytes)
    grants.check(admission.at_once(caller), 'r', keys)
    local rows, bytes, newest = rows_now(keys, max_bytes, time.now())
    if bytes > max_bytes then
        return bytes
    elseif newest == nil then
        return column(rows, #keys, VALUE)
    end
end

--- Many independent `get`. One that is left out needs a call to itself, which can wait and
-- raise.
---@param requests table[] each {caller, keys, max_bytes}
---@param sized boolean|nil whether a number is returned for one of more than max_bytes
---@return table results for each its values; null: it was left out; a number: it was left out,
-- and its keys and values take that many bytes at most
function M.get_each(requests, sized)
    local results = {}
    for i = 1, #requests do
        local ok, found = pcall(get_at_once, unpack(requests[i]))
        local is_result = ok and (sized or type(found) == 'table')
        results[i] = is_result and found or box.NULL
    end
    time.settle()
    return results
end

--- Lists the keys with a prefix that the caller may read, in the order of their bytes, a page
-- of one moment at a time. Raises kv.TokenRevoked, kv.NotGranted.
---@param caller table {username, credentials_version}
---@param prefix string
---@param after string|nil the key to go on after
---@param limit number keys of a page
---@param max_bytes number of a page, but for its first row
---@param with_values boolean
---@return number revision of the moment
---@return string|nil next what to go on after; nil: there are no more keys
---@return string[] keys
---@return string[]|nil values JSON texts
function M.list(caller, prefix, after, limit, max_bytes, with_values)
    local rows, last, revision
    repeat
        local prefixes = grants.readable(admission.check(caller), prefix)
        revision = store.revision()
        rows, last = listing.page(prefixes, after, limit, max_bytes, with_values)
    until writes.journal:await_all()
    time.settle()
    local keys = column(rows, #rows, KEY)
    return revision, last or box.NULL, keys, with_values and column(rows, #rows, VALUE) or nil
end

--- Batches after a revision, as the log has them on disk.
-- Raises kv.ChangesOff, kv.RevisionAhead.
local function changes_after(since, prefixes, max_bytes)
    if not changes.is_kept() then
        errors.raise('ChangesOff')
    end
    local newest = writes.newest_on_disk()
    if since == nil then
        since = newest
    end
    if since > newest then
        errors.raise('RevisionAhead', newest)
    end
    local oldest = changes.oldest()
    if since < oldest then
        return box.NULL, oldest
    end
    local batches, through = changes.after(since, newest, prefixes, max_bytes)
    return batches, through, newest
end

--- What changed after a revision, in whole batches narrowed to the keys with a prefix that
-- the caller may read.
-- Raises kv.TokenRevoked, kv.NotGranted, kv.ChangesOff, kv.RevisionAhead.
---@param caller table {username, credentials_version}
---@param since number|nil nil: the newest revision
---@param prefix string
---@param max_bytes number of the batches looked at, but for the first one
---@return table|nil batches each {revision, keys, values or nothing: deleted}; nil: the
-- changes after `since` are not kept any more
---@return number through the revision to go on from; without batches the oldest possible one
---@return number newest the newest revision of the moment
---@return string[] prefixes of what the caller may read
---@return number epoch of the accounts, at which that is so
function M.changes(caller, since, prefix, max_bytes)
    local prefixes = grants.readable(admission.check(caller), prefix)
    local batches, through, newest = changes_after(since, prefixes, max_bytes)
    return batches, through, newest, prefixes, accounts.epoch()
end

--- What anybody changed after a revision, and whose standing or grants changed after an
-- epoch; waits for either. For the service itself, which tells its callers what they may
-- know of it.
-- Raises kv.ChangesOff, kv.RevisionAhead.
---@param since number
---@param epoch number of the accounts
---@param max_bytes number as in `changes`
---@param seconds number to wait at the most
---@return table|nil batches none: the time is over; nil as in `changes`
---@return number through
---@return number newest
---@return number epoch of the accounts
---@return string[]|nil changed names of accounts that have changed; nil: any may have
function M.follow(since, epoch, max_bytes, seconds)
    local deadline = clock.monotonic() + seconds
    local left = seconds
    while left > 0 and changes.is_kept() and accounts.epoch() == epoch
            and writes.newest_on_disk() == since do
        writes.journal:wait(box.info.ro and math.min(left, REPLICA_INTERVAL) or left)
        left = deadline - clock.monotonic()
    end
    local batches, through, newest = changes_after(since, grants.ANYTHING, max_bytes)
    return batches, through, newest, accounts.epoch(), accounts.changed_since(epoch) or box.NULL
end

accounts.on_change(function() writes.journal:wake() end)

return M
