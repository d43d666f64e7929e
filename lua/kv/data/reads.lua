--- Reads of keys at one moment, which return nothing that a crash could take back.
local authorize = require('kv.accounts.authorize')
local clock = require('kv.data.clock')
local durability = require('kv.base.durability')
local grants = require('kv.accounts.grants')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

local VALUE, REVISION, EXPIRES_AT = store.VALUE, store.REVISION, store.EXPIRES_AT

--- The rows of one moment and their bytes, an upper bound where they exceed `max_bytes`; and
-- the newest commit that must be on disk before a client may see them.
---@param keys string[]
---@param max_bytes number
---@param now number seconds since 1970
---@return table rows at the positions of the keys
---@return number bytes
---@return Commit|nil newest
local function rows_now(keys, max_bytes, now)
    local index, commits = store.index(), transaction.commits
    local rows, newest, bytes, deletion = {}, 0, 0, nil
    for i = 1, #keys do
        local row = index:get(keys[i])
        if row == nil then
            deletion = durability.later(deletion, commits:pending(keys[i]))
        else
            newest = math.max(newest, tonumber(row[REVISION]))
            if not store.is_live(row, now) then
                clock.note_missing(row[EXPIRES_AT])
            elseif bytes <= max_bytes then
                bytes = bytes + #keys[i] + #row[VALUE]
                rows[i] = row
            else
                bytes = bytes + row:bsize() -- without a Lua string of each value
            end
        end
    end
    return rows, bytes, durability.later(deletion, commits:pending(newest))
end

M.rows_now = rows_now

--- A field of the rows, null where there is no row.
---@param rows table
---@param count number of positions
---@param field number
---@return table
function M.column(rows, count, field)
    local values = {}
    for i = 1, count do
        local row = rows[i]
        values[i] = row ~= nil and row[field] or box.NULL
    end
    return values
end

--- Reads the rows of one moment, and waits until they are on disk. Raises kv.TokenRevoked,
-- kv.NotGranted.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@return table rows at the positions of the keys; only some where they exceed max_bytes
---@return number bytes that they take, an upper bound where they exceed max_bytes
---@return number now seconds since 1970
function M.get(caller, keys, max_bytes)
    local rows, bytes, newest, now
    repeat
        grants.check(authorize.check(caller), 'r', keys)
        now = clock.now()
        rows, bytes, newest = rows_now(keys, max_bytes, now)
    until transaction.commits:await(newest)
    clock.settle()
    return rows, bytes, now
end

--- Reads the values of one moment without waiting. `clock.settle` comes before they are returned
-- to a client. Raises kv.TokenRevoked, kv.NotGranted.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@return table|number|nil values JSON texts, or null; a number: the bytes that they take at
-- most, more than max_bytes; nil: they cannot be returned without waiting
function M.get_without_waiting(caller, keys, max_bytes)
    grants.check(authorize.check_without_waiting(caller), 'r', keys)
    local rows, bytes, newest = rows_now(keys, max_bytes, clock.now())
    if bytes > max_bytes then
        return bytes
    elseif newest == nil then
        return M.column(rows, #keys, VALUE)
    end
end

return M
