--- Accounts: their rows, and the one way in which they change.
--
-- An id and a version of credentials are taken from one counter and never given twice: a
-- token names its account and that version, so that a step of the version ends every token
-- issued before it, and no token of a deleted account is good for another of the same name.
local clock = require('clock')
local digest = require('digest')

local durability = require('kv.base.durability')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local room = require('kv.capacity')

local M = {}

local journal = durability.new() -- marked by the user's name

--- Changes of accounts are numbered for those who follow; another start of the instance has
-- other numbers. Below 10^14 they come back as Lua numbers.
local first_epoch = tonumber(digest.urandom(5):hex(), 16)
local epoch = first_epoch

--- The names of the accounts that have changed last, by the number of the change: more than
-- change between two looks of a follower; one that comes later asks for all its accounts.
local MAX_CHANGED = 1000
local changed = {}

local listeners = {}
local default_grants = grants.EVERYTHING

local function note_change(before)
    if before == nil then
        return -- nobody has a token of it yet
    end
    epoch = epoch + 1
    changed[epoch] = before.username
    changed[epoch - MAX_CHANGED] = nil
    for _, listener in ipairs(listeners) do
        listener()
    end
end

---@param default table grants of an account that is created without any
function M.configure(default)
    default_grants = default
    box.space.users:on_replace(note_change)
end

---@param listener function called when an account has changed; must not yield
function M.on_change(listener)
    table.insert(listeners, listener)
end

--- The number of the last change of an account.
function M.epoch()
    return epoch
end

--- The accounts that have changed after an epoch.
---@param since number
---@return string[]|nil names nil: any account may have
function M.changed_since(since)
    if since > epoch or since < math.max(first_epoch, epoch - MAX_CHANGED) then
        return nil
    end
    local names = {}
    for number = since + 1, epoch do
        table.insert(names, changed[number])
    end
    return names
end

--- The account as the disk has it, or nil; waits for a change that is not there yet.
---@param username string
function M.find(username)
    local change = journal:pending(username)
    while change ~= nil do
        journal:await(change)
        change = journal:pending(username)
    end
    return box.space.users:get(username)
end

--- The account, or nil; nil as well where a change of it is not on disk yet.
---@param username string
function M.find_at_once(username)
    return journal:pending(username) == nil and box.space.users:get(username) or nil
end

--- Accounts in the order of their names, as the disk has them.
---@param after string|nil the name to go on after
---@param limit number
---@return table[] rows
function M.page(after, limit)
    local rows
    repeat
        rows = box.space.users:select(after, { iterator = 'GT', limit = limit })
    until journal:await_all()
    return rows
end

--- Inside a transaction.
local function next_version()
    return box.space.kv_meta:update('credentials', { { '+', 2, 1 } }).value
end

--- Raises kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param username string
---@param password_hash string
---@param granted table|nil each {prefix, rights}; nil: the default
function M.create(username, password_hash, granted)
    if M.find(username) ~= nil then
        errors.raise('UserExists')
    end
    room.admit(#username + #password_hash)
    journal:commit({ username }, function()
        local id = next_version()
        box.space.users:insert({
            username, password_hash, id, math.floor(clock.time()), false,
            granted or default_grants, id,
        })
    end)
end

local function commit_spare(username, change)
    room.spare(function() journal:commit({ username }, change) end)
end

--- Changes fields of an account; a change of its credentials or its standing ends its tokens.
---@param username string of an account that is there
---@param fields table by their names
---@param ends_tokens boolean
---@return number credentials_version
function M.update(username, fields, ends_tokens)
    local version
    commit_spare(username, function()
        local operations = {}
        for name, value in pairs(fields) do
            table.insert(operations, { '=', name, value })
        end
        if ends_tokens then
            table.insert(operations, { '=', 'credentials_version', next_version() })
        end
        version = box.space.users:update(username, operations).credentials_version
    end)
    return version
end

---@param username string of an account that is there
function M.delete(username)
    commit_spare(username, function() box.space.users:delete(username) end)
end

return M
