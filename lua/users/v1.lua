--- Accounts, as the service calls them.
local accounts = require('users.accounts')
local admission = require('users.admission')
local grants = require('users.grants')

local M = {}

--- Raises kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param username string
---@param password_hash string
---@param everything boolean|nil whether it may read and write every key; else the default
function M.create_user(username, password_hash, everything)
    accounts.create(username, password_hash, everything and grants.EVERYTHING or nil)
end

--- For a login: nothing for an account that cannot log in.
---@param username string
---@return string|nil password_hash
---@return number|nil credentials_version
function M.find_user(username)
    local user = accounts.find(username)
    if user == nil or user.disabled then
        return nil
    end
    return user.password_hash, user.credentials_version
end

--- What the caller may know of its own account. Raises kv.TokenRevoked.
---@param caller table {username, credentials_version}
---@return number created_at seconds since 1970
---@return table grants each {prefix =, rights =}
function M.account(caller)
    local user = admission.check(caller)
    return user.created_at, grants.for_people(user.grants)
end

--- Ends every token of the caller's account. Raises kv.TokenRevoked.
---@param caller table {username, credentials_version}
function M.end_tokens(caller)
    admission.check(caller)
    accounts.update(caller[1], {}, true)
end

--- Ends every token of the caller's account as well. Raises kv.TokenRevoked.
---@param caller table {username, credentials_version}
---@param password_hash string
---@return number credentials_version for a new token
function M.set_password(caller, password_hash)
    admission.check(caller)
    return accounts.update(caller[1], { password_hash = password_hash }, true)
end

--- Raises kv.TokenRevoked.
---@param caller table {username, credentials_version}
function M.delete_user(caller)
    admission.check(caller)
    accounts.delete(caller[1])
end

return M
