--- Procedures of version 1: see kv.api.v1. Those of access tokens, and those with which an access
-- token is told from a token of a login.
local access_tokens = require('kv.accounts.access_tokens')
local accounts = require('kv.accounts.accounts')
local authorize = require('kv.accounts.authorize')
local errors = require('kv.base.errors')
local expiry = require('kv.data.expiry')
local grants = require('kv.accounts.grants')

local M = {}

local function shown_grants(granted)
    return granted ~= nil and grants.to_objects(granted) or box.NULL
end

--- Checks a caller who is about to change its account or its tokens. Raises kv.SessionRequired.
---@param caller Caller
function M.check_session(caller)
    authorize.check_session(caller)
end

--- Describes the caller's own account; to an access token, with the rights that it has.
---@param caller Caller
---@return table account {username =, created_at =, grants =, administrator =, access_token =,
-- token_expires_at =}, the last two of an access token: its id, and if it expires
function M.describe_caller(caller)
    local user = authorize.check(caller)
    return {
        username = user.username,
        created_at = user.created_at,
        grants = grants.to_objects(user.grants),
        administrator = user.administrator or false,
        access_token = user.access_token or box.NULL,
        token_expires_at = user.token_expires_at or box.NULL,
    }
end

--- Changes the password of the caller's account and ends its tokens. Raises kv.SessionRequired.
---@param caller Caller
---@param password_hash string
---@param keeps_access_tokens boolean
---@return number credentials_version for a new token
function M.change_password(caller, password_hash, keeps_access_tokens)
    local user = authorize.check_session(caller)
    local fields = { password_hash = password_hash }
    return accounts.update(user.username, fields, true, not keeps_access_tokens)
        .credentials_version
end

--- Creates an access token. Raises kv.SessionRequired, kv.InvalidGrants, kv.TooManyAccessTokens,
-- kv.MemoryFull, kv.DiskFull.
---@param caller Caller
---@param hash string SHA-256 of the token, in hexadecimal digits
---@param name string
---@param granted table|nil each {prefix =, rights =}; nil: all grants that the account has
---@param ttl number|nil seconds until it expires; nil: it does not
---@return number id
---@return number created_at seconds since 1970
---@return number|nil expires_at seconds since 1970
function M.create_access_token(caller, hash, name, granted, ttl)
    local parsed = grants.of_call(granted)
    local user = authorize.check_session(caller)
    local token = access_tokens.create(user, hash, name, parsed, ttl ~= nil and ttl or nil)
    if token.expires_at ~= nil then
        expiry.expect(token.expires_at)
    end
    return token.id, token.created_at, token.expires_at or box.NULL
end

--- The access tokens of the caller's account, in the order of their creation. Raises
-- kv.SessionRequired.
---@param caller Caller
---@return table[] each {id =, name =, grants =, created_at =, expires_at =, last_used_at =}
function M.list_access_tokens(caller)
    local listed = {}
    for i, token in ipairs(access_tokens.of(authorize.check_session(caller))) do
        listed[i] = {
            id = token.id,
            name = token.name,
            grants = shown_grants(token.grants),
            created_at = token.created_at,
            expires_at = token.expires_at or box.NULL,
            last_used_at = access_tokens.last_use(token) or box.NULL,
        }
    end
    return listed
end

--- Deletes an access token of the caller's account. Raises kv.SessionRequired,
-- kv.NoSuchAccessToken.
---@param caller Caller
---@param id number
function M.delete_access_token(caller, id)
    local token = access_tokens.get(authorize.check_session(caller), id)
    if token == nil then
        errors.raise('NoSuchAccessToken', tostring(id):match('^%d+')) -- not `17ULL`
    end
    access_tokens.delete(token)
end

return M
