--- Administration: changes of accounts by administrators, and by operators on the console. The
-- last enabled administrator remains, whoever would remove it.
--
-- The check of the caller, the rule about the last one, and the change are one moment: nothing
-- between them yields. So the caller of a change that begins after another one has ended is
-- checked against it, and of two administrators who demote each other at the same time one
-- succeeds.
local accounts = require('kv.accounts.accounts')
local authorize = require('kv.accounts.authorize')
local capacity = require('kv.capacity')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')

local M = {}

--- Checks nothing: an operator on the console has all permissions.
local function allow() end

--- The check of a caller.
---@param caller table|nil {username, credentials_version}; nil: an operator on the console
---@return function raises kv.TokenRevoked, kv.SessionRequired, kv.NotAnAdministrator; may wait
local function check_of(caller)
    return caller == nil and allow or function() authorize.check_administrator(caller) end
end

--- Waits for a moment at which no commit of the account is pending, and the check passes.
---@param check function
---@param username string
---@return table|nil user the account's row
local function settle(check, username)
    repeat
        accounts.find(username)
        check()
    until not accounts.is_pending(username)
    return accounts.find_here(username)
end

local function is_enabled_administrator(user)
    return user.administrator == true and not user.disabled
end

--- Waits as `settle` does for a moment at which the account may change.
-- Raises kv.NoSuchAccount, and kv.LastAdministrator where the change would remove it.
---@param check function
---@param username string
---@param removes boolean whether the account will not be an enabled administrator any more
---@return table user the account's row
local function begin(check, username, removes)
    while true do
        local user = settle(check, username)
        if user == nil then
            errors.raise('NoSuchAccount', errors.quoted(username))
        end
        local is_last = removes and is_enabled_administrator(user)
            and not accounts.has_other_administrator(username)
        if not is_last then
            return user
        elseif accounts.await_all() then -- what the refusal is based on
            errors.raise('LastAdministrator')
        end
    end
end

--- The account as it is on disk. Raises kv.NoSuchAccount.
---@param caller table|nil nil: an operator on the console
---@param username string
---@return table user the account's row
function M.find(caller, username)
    return begin(check_of(caller), username, false)
end

--- Accounts in the order of their names, as they are on disk.
---@param caller table|nil nil: an operator on the console
---@param prefix string of their names
---@param after string|nil the name after which the page begins
---@param limit number accounts of a page
---@param max_bytes number of a page; its first account may be larger
---@return table[] rows
---@return string|nil last the name after which the next page begins; nil: there is none
function M.page(caller, prefix, after, limit, max_bytes)
    local rows, last
    repeat
        check_of(caller)()
        rows, last = {}, nil
        local bytes = 0
        for _, user in accounts.each(prefix, after) do
            if not user.username:startswith(prefix) then
                break
            end
            bytes = bytes + user:bsize()
            if #rows == limit or (bytes > max_bytes and #rows > 0) then
                last = rows[#rows].username
                break
            end
            table.insert(rows, user)
        end
    until accounts.await_all()
    return rows, last
end

--- Creates an account. Raises kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param caller table|nil nil: an operator on the console
---@param username string
---@param password_hash string
---@param granted table|nil each {prefix, rights}; nil: the default
---@param is_administrator boolean|nil
---@return table user its row
function M.create(caller, username, password_hash, granted, is_administrator)
    settle(check_of(caller), username)
    return accounts.create(username, password_hash, granted, is_administrator)
end

--- Changes an account, all fields or none. Disabling it and a new password end its tokens.
-- Raises kv.NoSuchAccount, kv.LastAdministrator; kv.MemoryFull and kv.DiskFull for more grants.
---@param caller table|nil nil: an operator on the console
---@param username string
---@param fields table any of `disabled`, `grants`, `administrator` and `password_hash`
---@param keeps_access_tokens boolean|nil
---@return table user its new row
function M.change(caller, username, fields, keeps_access_tokens)
    local removes = fields.disabled == true or fields.administrator == false
    local user = begin(check_of(caller), username, removes)
    if next(fields) == nil then
        return user
    end
    local added = fields.grants and grants.size(fields.grants) - grants.size(user.grants) or 0
    if added > 0 then
        capacity.admit(added)
    end
    local ends_tokens = fields.disabled == true or fields.password_hash ~= nil
    return accounts.update(
        username, fields, ends_tokens, ends_tokens and not keeps_access_tokens)
end

--- Ends every token of an account. Raises kv.NoSuchAccount.
---@param caller table|nil nil: an operator on the console
---@param username string
---@param keeps_access_tokens boolean|nil
function M.end_tokens(caller, username, keeps_access_tokens)
    begin(check_of(caller), username, false)
    accounts.update(username, {}, true, not keeps_access_tokens)
end

--- Deletes an account. Raises kv.NoSuchAccount, kv.LastAdministrator.
---@param caller table|nil nil: an operator on the console
---@param username string
function M.delete(caller, username)
    begin(check_of(caller), username, true)
    accounts.delete(username)
end

--- Deletes the caller's own account. Raises kv.TokenRevoked, kv.SessionRequired,
-- kv.LastAdministrator.
---@param caller table {username, credentials_version}
function M.leave(caller)
    begin(function() authorize.check_session(caller) end, caller[1], true)
    accounts.delete(caller[1])
end

--- Makes an enabled account an administrator, if its password is the one that is known.
---@param username string
---@param known_hash string the hash that the password was compared with
---@return boolean done false: the account has changed in the meantime
function M.confirm(username, known_hash)
    local user = accounts.find(username)
    if user == nil or user.disabled or user.password_hash ~= known_hash then
        return false
    end
    if not user.administrator then
        accounts.update(username, { administrator = true }, false)
    end
    return true
end

return M
