--- The rows of the store, and for those that expire their places in the order of expiry.
-- An expired row is none, from that moment on, whether or not it has been collected.
local time = require('kv.data.clock')

local M = {}

--- Fields of a row, where many are read: a name is looked up anew each time.
M.KEY, M.VALUE, M.REVISION, M.EXPIRES_AT = 1, 2, 3, 4

--- The revision of the last write.
function M.revision()
    return tonumber(box.space.kv_meta:get('revision').value)
end

---@param row table|nil
---@param now number seconds since 1970
function M.is_live(row, now)
    if row == nil then
        return false
    end
    local expires_at = row[M.EXPIRES_AT]
    if expires_at == nil or expires_at > now then
        return true
    end
    time.tell(expires_at)
    return false
end

--- Where a row, live or not, is found by its key in the shortest time.
function M.index()
    return box.space.kv.index.key_hash
end

--- The row of a key, or nil.
function M.find(key, now)
    local row = M.index():get(key)
    return M.is_live(row, now) and row or nil
end

---@param expiries table at the place of a key that expires: when, in seconds since 1970
function M.replace(keys, values, expiries, revision)
    local kv, kv_expiry, index = box.space.kv, box.space.kv_expiry, M.index()
    local some_expire = kv_expiry:len() > 0 or next(expiries) ~= nil
    local new = {} -- one table for all rows: Lua's collector has less to do
    for i = 1, #keys do
        local key, expires_at = keys[i], expiries[i]
        if some_expire then
            local row = index:get(key)
            local before = row and row.expires_at
            if before ~= nil then
                kv_expiry:delete({ before, key })
            end
            if expires_at ~= nil then
                kv_expiry:insert({ expires_at, key })
            end
        end
        new[M.KEY], new[M.VALUE], new[M.REVISION] = key, values[i], revision
        new[M.EXPIRES_AT] = expires_at
        kv:replace(new)
    end
end

---@param keys string[] all of them are there
---@return number bytes of the rows
function M.delete(keys)
    local bytes = 0
    for i = 1, #keys do
        local row = box.space.kv:delete(keys[i])
        if row.expires_at ~= nil then
            box.space.kv_expiry:delete({ row.expires_at, row.key })
        end
        bytes = bytes + row:bsize()
    end
    return bytes
end

return M
