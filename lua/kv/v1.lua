--- Keys and values. A value is JSON text, opaque here: stored and returned as it came.
-- Every write is one step of the store's revision, the same for all its keys.
local admission = require('users.admission')
local durability = require('durability')
local errors = require('errors')

local M = {}

local writes = durability.new() -- marked by their revision

local function replace_all(keys, values, revision)
    local space = box.space.kv
    for i = 1, #keys do
        space:replace({ keys[i], values[i], revision })
    end
    box.space.kv_meta:replace({ 'revision', revision })
end

--- Writes all the keys or none. Raises kv.TokenRevoked.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param values string[] JSON texts, one for each key
---@return number revision
function M.put(caller, keys, values)
    admission.check(caller)
    local revision = box.space.kv_meta:get('revision').value + 1
    writes:commit(revision, replace_all, keys, values, revision)
    return revision
end

--- The values of one moment, and the newest revision among them.
local function values_now(keys, max_bytes)
    local space = box.space.kv
    local values, newest, bytes = {}, 0, 0
    for i = 1, #keys do
        local row = space:get(keys[i])
        if row == nil then
            values[i] = box.NULL
        else
            bytes = bytes + row:bsize()
            if bytes > max_bytes then
                errors.raise('ReplyTooLarge', bytes, max_bytes)
            end
            values[i] = row.value
            newest = math.max(newest, tonumber(row.revision))
        end
    end
    return values, newest
end

--- Reads all the keys at one moment, nothing of which a crash can take back.
-- Raises kv.TokenRevoked, kv.ReplyTooLarge.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number what the keys and values found may take together
---@return table values one for each key: a JSON text, or null where there is none
function M.get(caller, keys, max_bytes)
    admission.check(caller)
    local values, newest
    repeat
        values, newest = values_now(keys, max_bytes)
    until writes:settled(newest)
    return values
end

return M
