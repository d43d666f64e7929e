--- Authorization: the check of a procedure's caller. It is part of the call it is for, so that
-- a token that was ended a moment ago is refused by the very next call, on every worker.
--
-- A caller is {username, credentials_version} of a verified token. Of an access token it is
-- {'', hash}: the name of its account is not known before.
local access_tokens = require('kv.accounts.access_tokens')
local accounts = require('kv.accounts.accounts')
local errors = require('kv.base.errors')

local M = {}

local function is_access_token(caller)
    return type(caller[2]) == 'string'
end

local function check(user, caller)
    if user == nil or user.disabled or user.credentials_version ~= caller[2] then
        errors.raise('TokenRevoked', 'log in again')
    end
    return user
end

--- Checks an access token whose account has no pending commit, or on another node.
local function check_access_token(token)
    local owner = token ~= nil and accounts.find_here(token.username) or nil
    local user = access_tokens.use(token, owner)
    if user == nil then
        errors.raise('TokenRevoked', 'create another access token')
    end
    return user
end

--- Raises kv.TokenRevoked for an unknown or disabled account, for an ended token, and for an
-- access token that is unknown, deleted or expired. May wait for a pending commit of the account.
---@param caller table {username, credentials_version}
---@return table user the account's row; of an access token a table with those of its fields that
-- are not confidential, in which `grants` are the token's and `access_token` is its id
function M.check(caller)
    if is_access_token(caller) then
        return check_access_token(access_tokens.find(caller[2]))
    end
    return check(accounts.find(caller[1]), caller)
end

--- Does the same as `check` without waiting: raises kv.TokenRevoked where that would wait.
---@param caller table {username, credentials_version}
---@return table user as `check` returns it
function M.check_without_waiting(caller)
    if is_access_token(caller) then
        return check_access_token(access_tokens.find_without_waiting(caller[2]))
    end
    return check(accounts.find_without_waiting(caller[1]), caller)
end

--- Does the same as `check` by what this node knows: for a node that does not lead.
---@param caller table {username, credentials_version}
---@return table user as `check` returns it
function M.check_here(caller)
    if is_access_token(caller) then
        return check_access_token(access_tokens.find_here(caller[2]))
    end
    return check(accounts.find_here(caller[1]), caller)
end

--- The check for calls that concern accounts and tokens. Raises kv.TokenRevoked as `check`, and
-- kv.SessionRequired for an access token.
---@param caller table {username, credentials_version}
---@return table user the account's row
function M.check_session(caller)
    local user = M.check(caller)
    if is_access_token(caller) then
        errors.raise('SessionRequired')
    end
    return user
end

--- Raises as `check_session`, and kv.NotAnAdministrator.
---@param caller table {username, credentials_version}
---@return table user the account's row
function M.check_administrator(caller)
    local user = M.check_session(caller)
    if not user.administrator then
        errors.raise('NotAnAdministrator')
    end
    return user
end

return M
