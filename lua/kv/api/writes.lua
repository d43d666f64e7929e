--- Procedures of version 1 that write: see kv.api.v1.
local expiry = require('kv.data.expiry')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

local NO_OPTIONS = {}

--- When the key at a position expires, or nil.
local function expiry_of(position, options, now)
    local ttl = options.ttl
    if options.ttls ~= nil then
        ttl = options.ttls[position]
    end
    return ttl ~= nil and now + ttl or nil
end

--- The keys to write, as a change, and those to delete that exist.
local function divide(keys, values, options, now)
    local change = { keys = {}, values = {}, expiries = {} }
    local deleted, soonest = {}, nil
    for i, key in ipairs(keys) do
        if values[i] ~= nil then
            table.insert(change.keys, key)
            table.insert(change.values, values[i])
            local expires_at = expiry_of(i, options, now)
            if expires_at ~= nil then
                change.expiries[#change.keys] = expires_at
                soonest = math.min(soonest or expires_at, expires_at)
            end
        elseif store.find(key, now) ~= nil then
            table.insert(deleted, key)
        end
    end
    if soonest ~= nil then
        expiry.expect(soonest)
    end
    return change, deleted
end

--- Writes keys and deletes others, all or none; a key to delete may be missing. Raises
-- kv.IdempotencyConflict, kv.RetriesFull, kv.MemoryFull, kv.DiskFull.
---@param caller Caller
---@param keys string[] each once
---@param values table one for each key: a JSON text, or null: the key is deleted
---@param options table|nil {conditions =, retry =, ttl =, ttls =}: see kv.data.transaction; ttl in
-- s, ttls one for each key, in place of ttl: in s, or null
---@return number|nil revision nil: conditions do not hold
---@return number|string[] deleted their number; without a revision the keys in conflict
---@return number[]|nil revisions of the keys in conflict
function M.write(caller, keys, values, options)
    options = options or NO_OPTIONS
    return transaction.execute(caller, 'w', keys, options, function(now)
        local change, deleted = divide(keys, values, options, now)
        change.result = #deleted
        if #change.keys == 0 then
            return { keys = deleted, result = #deleted }
        end
        change.written = #change.keys
        for _, key in ipairs(deleted) do
            table.insert(change.keys, key)
            table.insert(change.values, box.NULL)
        end
        return change
    end)
end

return M
