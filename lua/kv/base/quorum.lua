--- Commits in a cluster: a majority of its nodes confirms them.
--
-- A commit can fail while its transaction goes on: its fiber was cancelled, or a time was over.
-- Only the triggers of the transaction know its outcome, which a later leader may decide. So
-- the outcome comes from them, and a failure without one is kv.NotConfirmed.
local monotonic = require('clock').monotonic

local errors = require('kv.base.errors')
local leader = require('kv.base.leader')

local M = {}

--- Failures of a write that another leader may accept: it was surely not applied.
local REFUSED = {}
for _, name in ipairs({
    'READONLY', 'SYNC_ROLLBACK', 'SYNC_QUORUM_TIMEOUT', 'SYNC_QUEUE_UNCLAIMED',
    'SYNC_QUEUE_FOREIGN', 'SYNC_QUEUE_FULL', 'UNCOMMITTED_FOREIGN_SYNC_TXNS',
    'TRANSACTION_CONFLICT',
}) do
    REFUSED[box.error[name] or name] = true -- 2.6 lacks some of them
end

local confirmed_at = -math.huge -- monotonic: when the newest confirmed commit began

leader.on_resign(function() confirmed_at = -math.huge end)

--- The monotonic time at which the newest commit began that a majority has confirmed to this
-- node as the leader of the current term.
---@return number
function M.confirmed_at()
    return confirmed_at
end

local function is_refusal(failure)
    return type(failure) == 'cdata' and REFUSED[failure.code] ~= nil
end

--- Whether a write that failed may still be applied.
---@param failure any
---@return boolean
function M.is_unknown(failure)
    return type(failure) == 'cdata' and failure.type == 'kv.NotConfirmed'
end

--- Runs `body` in a transaction and returns its result once a majority has confirmed it.
-- Raises kv.NotLeader where it was not applied, because the node does not lead any more.
-- Raises kv.NotConfirmed where it may still be applied: `on_outcome` is called later.
-- Raises any other failure as it is; then it was not applied.
---@param on_outcome function called with true when it is confirmed, with false when it was rolled
-- back; must neither yield nor raise
---@param body function must not yield
function M.commit(on_outcome, body, ...)
    local term, begun = leader.term(), monotonic()
    local began, confirmed = false, nil
    local function settle(outcome)
        if confirmed == nil then
            confirmed = outcome
            on_outcome(outcome)
        end
    end
    local ok, result = pcall(box.atomic, function(...)
        box.on_commit(function() settle(true) end)
        box.on_rollback(function() settle(false) end)
        began = true
        return body(...)
    end, ...)
    if ok then
        settle(true) -- a transaction that has written nothing has no triggers
        if term ~= nil and term == leader.term() then
            confirmed_at = math.max(confirmed_at, begun)
        end
        return result
    end
    if not began then
        settle(false)
    end
    if confirmed == nil then
        errors.raise('NotConfirmed')
    elseif is_refusal(result) then
        leader.refuse()
    end
    error(result, 0)
end

return M
