--- Procedures of version 1 that return changes: see kv.api.v1.
local accounts = require('kv.accounts.accounts')
local authorize = require('kv.accounts.authorize')
local change_feed = require('kv.data.change_feed')
local grants = require('kv.accounts.grants')
local prefixes = require('kv.base.prefixes')

local M = {}

--- Returns the changes after a revision, in whole batches reduced to the keys with a prefix
-- that the caller may read. Raises kv.ChangesOff, kv.RevisionAhead.
---@param caller Caller
---@param since number|nil nil: the newest revision
---@param prefix string
---@param max_bytes number of the batches that are read; the first one may be larger
---@return table|nil batches each {revision, keys, values}: the values are null where all keys were
-- deleted, and have a null in the place of a deleted key where others were written; null: the log
-- no longer has all changes after `since`
---@return number through the revision to resume from; without batches the oldest possible one
---@return number|nil newest the newest revision on disk
---@return string[] prefixes that the caller may read
---@return number epoch of the accounts, at which these prefixes are valid
---@return string username of the account, also where the caller has an access token
function M.read_changes(caller, since, prefix, max_bytes)
    local user = authorize.check(caller)
    local readable = grants.readable(user, prefix)
    local batches, through, newest = change_feed.after(since, readable, max_bytes)
    return batches, through, newest, readable, accounts.epoch(), user.username
end

--- Waits for changes of any key after a revision, or of an account after an epoch, and returns
-- them. For the service itself, which shows its clients what they may read of it.
-- Raises kv.ChangesOff, kv.RevisionAhead.
---@param since number
---@param epoch number of the accounts
---@param max_bytes number as in `read_changes`
---@param seconds number to wait at most
---@return table|nil batches as in `read_changes`; empty: the time is over
---@return number through
---@return number|nil newest
---@return number epoch of the accounts
---@return string[]|nil changed names of changed accounts; null: any may have changed
function M.follow_changes(since, epoch, max_bytes, seconds)
    change_feed.wait(since, epoch, seconds)
    local batches, through, newest = change_feed.after(since, prefixes.ALL, max_bytes)
    return batches, through, newest, accounts.epoch(), accounts.changed_since(epoch) or box.NULL
end

return M
