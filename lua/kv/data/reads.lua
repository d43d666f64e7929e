--- Reads of keys at one moment, which return nothing that a crash could take back.
local authorize = require('kv.accounts.authorize')
local clock = require('kv.data.clock')
local durability = require('kv.base.durability')
local grants = require('kv.accounts.grants')
local results = require('kv.data.results')
local rows = require('kv.data.rows')
local transaction = require('kv.data.transaction')

local M = {}

--- Reads the rows of this moment, and finds the newest commit that must be on disk before a client
-- may see them.
---@param keys string[]
---@param max_bytes number
---@param now number seconds since 1970
---@param shown Shown see kv.data.results
---@return Results found at the positions of the keys; only some where they exceed max_bytes
---@return number bytes of the keys and values
---@return Commit|nil newest
function M.read_now(keys, max_bytes, now, shown)
    local commits, found, bytes = transaction.commits, results.new(shown, now), 0
    local has_pending, newest, deletion = commits:any_pending() ~= nil, 0, nil
    for i = 1, #keys do
        local key = keys[i]
        local row = rows.get(key)
        if has_pending and row == nil then
            deletion = durability.later(deletion, commits:pending(key))
        elseif has_pending then
            newest = math.max(newest, rows.revision(row))
        end
        if row ~= nil and rows.is_live(row, now) then
            local _, size = rows.value(row)
            bytes = bytes + #key + size
            if bytes <= max_bytes then
                found:add(i, key, row)
            end
        else
            found:add_null(i)
            if row ~= nil then
                clock.note_missing(rows.expires_at(row))
            end
        end
    end
    if bytes <= max_bytes then
        found:finish()
    end
    return found, bytes, durability.later(deletion, commits:pending(newest))
end

--- Reads the rows of one moment, and waits until they are on disk. Raises kv.TokenRevoked,
-- kv.NotGranted.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param shown Shown see kv.data.results
---@return Results found at the positions of the keys; only some where they exceed max_bytes
---@return number bytes of the keys and values
function M.get(caller, keys, max_bytes, shown)
    local found, bytes, newest
    repeat
        grants.check(authorize.check(caller), 'r', keys)
        found, bytes, newest = M.read_now(keys, max_bytes, clock.now(), shown)
    until transaction.commits:await(newest)
    clock.settle()
    return found, bytes
end

--- Reads the rows of one moment without waiting. `clock.settle` comes before they are returned
-- to a client. Raises kv.TokenRevoked, kv.NotGranted.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param shown Shown see kv.data.results
---@return Results|nil found nil: they cannot be returned without waiting
---@return number|nil bytes of the keys and values
function M.get_without_waiting(caller, keys, max_bytes, shown)
    grants.check(authorize.check_without_waiting(caller), 'r', keys)
    local found, bytes, newest = M.read_now(keys, max_bytes, clock.now(), shown)
    if newest == nil or bytes > max_bytes then
        return found, bytes
    end
end

return M
