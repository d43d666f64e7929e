--- The rows of the store, and the entries of expiring rows in the order of expiry.
-- An expired row does not exist for any reader from that moment, deleted or not.
local clock = require('kv.data.clock')
local rows = require('kv.data.rows')
local tuples = require('kv.base.tuples')

local M = {}

M.KEY, M.VALUE, M.REVISION, M.EXPIRES_AT = rows.KEY, rows.VALUE, rows.REVISION, rows.EXPIRES_AT

--- The revision of the last write.
function M.revision()
    return tonumber(box.space.kv_meta:get('revision').value)
end

--- Whether some row has expired and is still there.
---@param now number seconds since 1970
function M.has_expired(now)
    local first = box.space.kv_expiry.index[0]:min()
    return first ~= nil and first.expires_at <= now
end

--- The fastest index by key; it has expired rows, too.
function M.index()
    return box.space.kv.index.key_hash
end

--- The live row of a key, or nil: an expired one is noted as reported missing.
---@param key string
---@param now number seconds since 1970
---@return cdata|nil row see kv.data.rows
function M.find(key, now)
    local row = rows.get(key)
    if row == nil or rows.is_live(row, now) then
        return row
    end
    clock.note_missing(rows.expires_at(row))
    return nil
end

--- Writes rows, inside the transaction of a write.
---@param keys string[]
---@param values string[] JSON texts
---@param expiries table|nil seconds since 1970, at the positions of the keys that expire
---@param revision number
---@param count number of the first keys, which are written
function M.replace(keys, values, expiries, revision, count)
    local kv, kv_expiry = box.space.kv, box.space.kv_expiry
    local sets_expiries = expiries ~= nil and next(expiries) ~= nil
    local has_expiries = kv_expiry:len() > 0
    if sets_expiries then
        clock.record_with_write()
    end
    local new = {} -- one table for all rows: less garbage for Lua's collector
    for i = 1, count do
        local key, expires_at = keys[i], nil
        if has_expiries then
            local row = rows.get(key)
            local before = row and rows.expires_at(row)
            if before ~= nil then
                tuples.release(kv_expiry:delete({ before, key }))
            end
        end
        if sets_expiries and expiries[i] ~= nil then -- no null
            expires_at = expiries[i]
            tuples.release(kv_expiry:insert({ expires_at, key }))
        end
        new[M.KEY], new[M.VALUE], new[M.REVISION] = key, values[i], revision
        new[M.EXPIRES_AT] = expires_at
        tuples.release(kv:replace(new))
    end
end

--- Deletes rows, inside the transaction of a write.
---@param keys string[] of existing rows
---@param first number the position of the first key that is deleted
function M.delete(keys, first)
    for i = first, #keys do
        local row = box.space.kv:delete(keys[i])
        if row.expires_at ~= nil then
            tuples.release(box.space.kv_expiry:delete({ row.expires_at, row.key }))
        end
        tuples.release(row)
    end
end

return M
