--- Authorization: the check of a procedure's caller. It is part of the call it is for, so that
-- a token that was ended a moment ago is refused by the very next call, on every worker.
local accounts = require('kv.accounts.accounts')
local errors = require('kv.base.errors')

local M = {}

local function check(user, caller)
    if user == nil or user.disabled or user.credentials_version ~= caller[2] then
        errors.raise('TokenRevoked')
    end
    return user
end

--- Raises kv.TokenRevoked for an unknown or disabled account and for an ended token. May wait
-- for a pending commit of the account.
---@param caller table {username, credentials_version} of the verified token
---@return table user the account's row
function M.check(caller)
    return check(accounts.find(caller[1]), caller)
end

--- Does the same as `check` without waiting: raises kv.TokenRevoked where that would wait.
---@param caller table {username, credentials_version}
---@return table user the account's row
function M.check_without_waiting(caller)
    return check(accounts.find_without_waiting(caller[1]), caller)
end

--- Does the same as `check` by what this node knows: for a node that does not lead.
---@param caller table {username, credentials_version}
---@return table user the account's row
function M.check_here(caller)
    return check(accounts.find_here(caller[1]), caller)
end

--- The check for calls that concern accounts and tokens. Raises kv.TokenRevoked as `check`, and
-- kv.SessionRequired for an access token.
---@param caller table {username, credentials_version}
---@return table user the account's row
function M.check_session(caller)
    return M.check(caller)
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
