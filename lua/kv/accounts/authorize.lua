--- Authorization: the check of a procedure's caller. It is part of the call it is for, so that
-- a token that was ended a moment ago is refused by the very next call, on every worker.
--
-- A caller is {username, credentials_version} of a verified token. Of an access token it is
-- {'', hash}: the name of its account is not known before.
local access_tokens = require('kv.accounts.access_tokens')
local accounts = require('kv.accounts.accounts')
local callers = require('kv.accounts.callers')
local errors = require('kv.base.errors')

local M = {}

local function is_access_token(caller)
    return type(caller[2]) == 'string'
end

local function check_session_row(row, caller, epoch)
    if row == nil or row.disabled or row.credentials_version ~= caller[2] then
        errors.raise('TokenRevoked', 'log in again')
    end
    return callers.session(row, epoch)
end

--- The account has no pending commit, or this is not the leader.
local function check_token_row(token, epoch)
    local row = token ~= nil and accounts.find_here(token.username) or nil
    local user = nil
    if row ~= nil and not row.disabled and row.id == token.account then
        user = callers.token(row, token, epoch)
    end
    if user == nil then
        errors.raise('TokenRevoked', 'create another access token')
    end
    return user
end

--- Checks a caller that may be known. The functions find a row as it is on disk.
local function check(caller, find_account, find_token)
    local name, credential = caller[1], caller[2]
    if is_access_token(caller) then
        local known = callers.known_token(credential, accounts.epoch())
        if known ~= nil then
            return known
        end
        local token = find_token(credential)
        return check_token_row(token, accounts.epoch())
    end
    local known = callers.known_session(name, credential, accounts.epoch())
    if known ~= nil then
        return known
    end
    local row = find_account(name)
    return check_session_row(row, caller, accounts.epoch())
end

--- Raises kv.TokenRevoked for an unknown or disabled account, for an ended token, and for an
-- access token that is unknown, deleted or expired. May wait for a pending commit of the account.
---@param caller table {username, credentials_version}
---@return VerifiedCaller user
function M.check(caller)
    return check(caller, accounts.find, access_tokens.find)
end

--- Does the same as `check` without waiting: raises kv.TokenRevoked where that would wait.
---@param caller table {username, credentials_version}
---@return VerifiedCaller user
function M.check_without_waiting(caller)
    return check(caller, accounts.find_without_waiting, access_tokens.find_without_waiting)
end

--- Does the same as `check` by what this node knows: for a node that does not lead.
---@param caller table {username, credentials_version}
---@return VerifiedCaller user
function M.check_here(caller)
    if is_access_token(caller) then
        return check_token_row(access_tokens.find_here(caller[2]))
    end
    return check_session_row(accounts.find_here(caller[1]), caller)
end

--- The check for calls that concern accounts and tokens. Raises kv.TokenRevoked as `check`, and
-- kv.SessionRequired for an access token.
---@param caller table {username, credentials_version}
---@return VerifiedCaller user
function M.check_session(caller)
    local user = M.check(caller)
    if is_access_token(caller) then
        errors.raise('SessionRequired')
    end
    return user
end

--- Raises as `check_session`, and kv.NotAnAdministrator.
---@param caller table {username, credentials_version}
---@return VerifiedCaller user
function M.check_administrator(caller)
    local user = M.check_session(caller)
    if not user.administrator then
        errors.raise('NotAnAdministrator')
    end
    return user
end

return M
