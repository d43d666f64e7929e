--- The outcomes of writes that came with an idempotency key, kept for a day: the same
-- request made again gets the outcome of the first one, and writes nothing.
local errors = require('kv.base.errors')

local M = {}

--- Seconds: what the API promises to clients.
local RETENTION = 24 * 3600

--- The share of the instance's memory that they may take.
local SHARE = 1 / 4

--- What one takes beside its bytes: a tuple's header, places in two trees.
local PER_OUTCOME = 80

--- Before one more is kept. None makes room before its day is over: raises kv.RetriesFull.
function M.admit()
    local kept = box.space.idempotency
    if kept:bsize() + kept:len() * PER_OUTCOME > box.cfg.memtx_memory * SHARE then
        errors.raise('RetriesFull')
    end
end

---@param user table the account's row
---@param retry table {key, fingerprint}, of a request that can be made again
---@param now number seconds since 1970
---@return table|nil outcome of the same request made before
function M.outcome(user, retry, now)
    local kept = box.space.idempotency:get({ user.username, retry[1] })
    if kept == nil or kept.expires_at <= now or kept.account ~= user.id then
        return nil
    end
    if kept.fingerprint ~= retry[2] then
        errors.raise('IdempotencyConflict')
    end
    return kept.outcome
end

--- Inside the transaction of the write.
---@param user table the account's row
---@param outcome table what the procedure returns
function M.keep(user, retry, outcome, now)
    box.space.idempotency:replace({
        user.username, retry[1], retry[2], outcome, now + RETENTION, user.id,
    })
end

--- Forgets those whose time is over.
---@param now number
---@param limit number
---@return boolean whether there may be more of them
function M.collect(now, limit)
    local outdated = {}
    for _, kept in box.space.idempotency.index.expires_at:pairs() do
        if kept.expires_at > now or #outdated == limit then
            break
        end
        table.insert(outdated, { kept.username, kept.key })
    end
    if #outdated > 0 then
        box.atomic(function()
            for _, key in ipairs(outdated) do
                box.space.idempotency:delete(key)
            end
        end)
    end
    return #outdated == limit
end

return M
