--- Idempotency records: the results of writes with an idempotency key, stored for a day. A
-- request made again gets the result of the first one, and writes nothing.
local errors = require('kv.base.errors')

local M = {}

--- Seconds, as the API promises.
local RETENTION = 24 * 3600

--- The share of the instance's memory that the records may take.
local MAX_SHARE = 1 / 4

--- Bytes of a record besides its content: the header of a tuple, entries in two trees.
local PER_RECORD = 80

---@return number records
---@return number bytes
function M.size()
    local records = box.space.idempotency
    return records:len(), tonumber(records:bsize() + records:len() * PER_RECORD)
end

--- Checks that there is memory for another record. None is deleted before its day is over:
-- raises kv.RetriesFull.
function M.admit()
    local _, bytes = M.size()
    if bytes > box.cfg.memtx_memory * MAX_SHARE then
        errors.raise('RetriesFull')
    end
end

--- Finds the result of the same request made before. Raises kv.IdempotencyConflict where another
-- request had the key.
---@param user VerifiedCaller see kv.accounts.callers
---@param key_and_fingerprint table {key, fingerprint} of a request
---@param now number seconds since 1970
---@return table|nil result
function M.find(user, key_and_fingerprint, now)
    local key, fingerprint = unpack(key_and_fingerprint)
    local record = box.space.idempotency:get({ user.username, key })
    if record == nil or record.expires_at <= now or record.account ~= user.id then
        return nil
    end
    if record.fingerprint ~= fingerprint then
        errors.raise('IdempotencyConflict')
    end
    return record.outcome
end

--- Saves the record of a write, inside its transaction.
---@param user VerifiedCaller see kv.accounts.callers
---@param key_and_fingerprint table {key, fingerprint}
---@param result table what the procedure returns
---@param now number seconds since 1970
function M.save(user, key_and_fingerprint, result, now)
    local key, fingerprint = unpack(key_and_fingerprint)
    box.space.idempotency:replace({
        user.username, key, fingerprint, result, now + RETENTION, user.id,
    })
end

--- Deletes expired records.
---@param now number seconds since 1970
---@param limit number
---@return boolean more whether there may be more of them
function M.delete_expired(now, limit)
    local expired = {}
    for _, record in box.space.idempotency.index.expires_at:pairs() do
        if record.expires_at > now or #expired == limit then
            break
        end
        table.insert(expired, { record.username, record.key })
    end
    if #expired > 0 then
        box.atomic(function()
            for _, key in ipairs(expired) do
                box.space.idempotency:delete(key)
            end
        end)
    end
    return #expired == limit
end

return M
