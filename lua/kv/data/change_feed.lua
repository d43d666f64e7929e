--- The change feed: batches of the change log that are on disk, and the wait for new ones.
local clock = require('clock')

local accounts = require('kv.accounts.accounts')
local change_log = require('kv.data.change_log')
local errors = require('kv.base.errors')
local leader = require('kv.base.leader')
local transaction = require('kv.data.transaction')

local M = {}

--- Seconds between two checks of a read-only instance, whose log the leader fills.
local REPLICA_INTERVAL = 0.1

--- Batches after a revision.
-- Raises kv.ChangesOff where there is no change log.
-- Raises kv.RevisionAhead where `since` is newer than the newest revision.
---@param since number|nil nil: the newest revision
---@param filter string[] prefixes of the keys
---@param max_bytes number of the batches that are read; the first one may be larger
---@return table|nil batches as change_log.after returns them; null: the log no longer has all
-- changes after `since`
---@return number through the revision to resume from; without batches the oldest possible one
---@return number|nil newest the newest revision on disk
function M.after(since, filter, max_bytes)
    if not change_log.is_enabled() then
        errors.raise('ChangesOff')
    end
    local newest = transaction.newest_on_disk()
    if since == nil then
        since = newest
    end
    if since > newest then
        errors.raise('RevisionAhead', newest)
    end
    local oldest = change_log.oldest()
    if since < oldest then
        return box.NULL, oldest
    end
    local batches, through = change_log.after(since, newest, filter, max_bytes)
    return batches, through, newest
end

--- Waits for a revision after `since`, or for a change of accounts after `epoch`. Raises
-- kv.NotLeader as soon as the node of a cluster does not lead any more.
---@param since number
---@param epoch number of the accounts
---@param seconds number at most
function M.wait(since, epoch, seconds)
    local deadline = clock.monotonic() + seconds
    local left = seconds
    while left > 0 and change_log.is_enabled() and accounts.epoch() == epoch
            and transaction.newest_on_disk() == since do
        transaction.commits:wait(box.info.ro and math.min(left, REPLICA_INTERVAL) or left)
        leader.check()
        left = deadline - clock.monotonic()
    end
end

--- Ends every `wait`: an account has changed.
function M.wake()
    transaction.commits:wake()
end

return M
