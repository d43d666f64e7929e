--- Accounts: their rows, and the one way in which they change.
--
-- Ids and credentials versions come from one counter and are never given twice. A token names
-- its account and a version, so that a new version ends every token issued before it, and no
-- token of a deleted account is valid for another one of the same name.
local clock = require('clock')
local digest = require('digest')

local access_tokens = require('kv.accounts.access_tokens')
local capacity = require('kv.capacity')
local commits = require('kv.accounts.commits')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local ids = require('kv.accounts.ids')

local M = {}

--- Changes of accounts and of their access tokens have numbers, for the change feed. Another
-- start of the instance has other numbers. Below 10^14 they arrive in Lua as numbers.
local first_epoch = tonumber(digest.urandom(5):hex(), 16)
local epoch = first_epoch

--- The usernames of the last changes, by their numbers: more than change between two calls of
-- a follower. One that comes later has to check every account.
local MAX_CHANGED = 1000
local changed = {}

local listeners = {}
local default_grants = grants.EVERYTHING
local is_watched = false

--- What every hash of bcrypt begins with here. The cost follows, in two digits.
local HASH_PREFIX = '$2b$'

local function note_change(before)
    if before == nil then
        return -- a new account or access token: nothing of it has been used
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
end

--- Begins to note the changes of accounts, when the space exists; on a follower, the replicated
-- changes.
function M.watch()
    if not is_watched then
        box.space.users:on_replace(note_change)
        access_tokens.watch(note_change)
        is_watched = true
    end
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
---@return string[]|nil names nil: any account may have changed
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

--- The account as it is on disk, or nil. Waits for a pending commit of it.
---@param username string
function M.find(username)
    local commit = commits:pending(username)
    while commit ~= nil do
        commits:await(commit)
        commit = commits:pending(username)
    end
    return box.space.users:get(username)
end

--- The account, or nil; nil as well where a commit of it is pending.
---@param username string
function M.find_without_waiting(username)
    return commits:pending(username) == nil and box.space.users:get(username) or nil
end

--- The account as this node has it, confirmed or not, or nil.
---@param username string
function M.find_here(username)
    return box.space.users:get(username)
end

--- Whether a commit of the account is pending: `find` would wait for it.
---@param username string
---@return boolean
function M.is_pending(username)
    return commits:pending(username) ~= nil
end

--- Waits for every commit so far: for a decision that depends on more than one account.
---@return boolean on_disk false: the newest was rolled back, decide again
function M.await_all()
    return commits:await_all()
end

--- Accounts in the order of their names, as they are on disk.
---@param after string|nil the name after which the page begins
---@param limit number
---@return table[] rows
function M.page(after, limit)
    local rows
    repeat
        rows = box.space.users:select(after, { iterator = 'GT', limit = limit })
    until commits:await_all()
    return rows
end

--- Accounts whose names begin with a prefix, in the order of the names.
---@param prefix string
---@param after string|nil the name after which they begin
---@return function generator for `for`, with its parameters; yields rows
function M.each(prefix, after)
    if after ~= nil and after >= prefix then
        return box.space.users:pairs(after, { iterator = 'GT' })
    end
    return box.space.users:pairs(prefix, { iterator = 'GE' })
end

--- Whether there is an enabled administrator besides this account.
---@param username string
---@return boolean
function M.has_other_administrator(username)
    for _, user in box.space.users.index.administrator:pairs(true) do
        if user.username ~= username and not user.disabled then
            return true
        end
    end
    return false
end

--- The lowest and the highest cost of the password hashes of all accounts.
---@return number[] costs none where there is no account
function M.hash_costs()
    local index, costs = box.space.users.index.password_hash, {}
    local lowest = index:select(HASH_PREFIX, { iterator = 'GE', limit = 1 })[1]
    local highest = index:select(HASH_PREFIX .. '~', { iterator = 'LE', limit = 1 })[1]
    for _, user in pairs({ lowest, highest }) do
        table.insert(costs, tonumber(user.password_hash:match('^%$2b%$(%d%d)%$')))
    end
    return costs
end

--- Does not yield before the change where no commit of the account is pending. Raises
-- kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param username string
---@param password_hash string
---@param granted table|nil each {prefix, rights}; nil: the default
---@param is_administrator boolean|nil
---@return table user its row
function M.create(username, password_hash, granted, is_administrator)
    if M.find(username) ~= nil then
        errors.raise('UserExists')
    end
    granted = granted or default_grants
    capacity.admit(#username + #password_hash + grants.size(granted))
    return commits:commit({ username }, function()
        local id = ids.next()
        return box.space.users:insert({
            username, password_hash, id, math.floor(clock.time()), false, granted, id,
            is_administrator or box.NULL,
        })
    end)
end

local function commit_with_reserve(username, change)
    capacity.with_reserve(function() commits:commit({ username }, change) end)
end

--- Changes fields of an account. Does not yield before the change.
---@param username string of an existing account
---@param fields table by their names
---@param ends_tokens boolean true where its credentials or its state change
---@param deletes_access_tokens boolean|nil
---@return table user its row
function M.update(username, fields, ends_tokens, deletes_access_tokens)
    local user
    commit_with_reserve(username, function()
        local operations = {}
        for name, value in pairs(fields) do
            table.insert(operations, { '=', name, value })
        end
        if ends_tokens then
            table.insert(operations, { '=', 'credentials_version', ids.next() })
        end
        user = box.space.users:update(username, operations)
        if deletes_access_tokens then
            access_tokens.delete_all(user)
        end
    end)
    return user
end

---@param username string of an existing account
function M.delete(username)
    commit_with_reserve(username, function()
        access_tokens.delete_all(box.space.users:delete(username))
    end)
end

return M
