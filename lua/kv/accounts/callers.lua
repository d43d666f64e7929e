--- Callers: what procedures know of the account behind a call, and of its access token.
--
-- A verified caller is a Lua table, which is made from rows once and then cached: the fields of a
-- row, above all its grants, are decoded at each access. It is valid until an account or a token
-- changes; the changes have numbers, the epoch of the accounts. On a node that does not lead, a
-- change may be rolled back without a number: there the rows are compared at each call.
local access_tokens = require('kv.accounts.access_tokens')
local commits = require('kv.accounts.commits')
local grants = require('kv.accounts.grants')
local lru = require('kv.base.lru')

local M = {}

--- Callers of a generation that are cached, of sessions and of access tokens each. One of 100
-- grants takes 9 KB besides the prefixes.
local MAX_CACHED = 1000

---@class VerifiedCaller
---@field username string
---@field id number
---@field created_at number seconds since 1970
---@field grants table each {prefix, rights}; with an access token, the intersection of its grants
-- and those of the account
---@field prefixes table the prefixes of the grants by right: see kv.accounts.grants
---@field administrator boolean
---@field credentials_version number|nil nil: the caller has an access token
---@field access_token number|nil its id
---@field token_expires_at number|nil seconds since 1970
---@field row table the account's row
---@field token table|nil the access token's row
---@field epoch number|nil the last one at which these rows were current and on disk

local by_name, by_hash = lru.new(MAX_CACHED), lru.new(MAX_CACHED)

--- Forgets all callers, when a node begins to lead. A call that began in an earlier term of this
-- node may have read a change by the next leader, which was rolled back since.
function M.forget()
    by_name, by_hash = lru.new(MAX_CACHED), lru.new(MAX_CACHED)
end

local function new_user(row, granted)
    return {
        username = row.username, id = row.id, created_at = row.created_at,
        grants = granted, prefixes = grants.prefixes(granted), row = row,
    }
end

local function of_session(row)
    local user = new_user(row, row.grants)
    user.administrator = row.administrator == true
    user.credentials_version = row.credentials_version
    return user
end

local function of_token(row, token)
    local granted = row.grants
    if token.grants ~= nil then
        granted = grants.intersect(token.grants, granted)
    end
    local user = new_user(row, granted)
    user.administrator = false
    user.access_token, user.token, user.token_expires_at = token.id, token, token.expires_at
    return user
end

local function is_current(user, epoch)
    return user ~= nil and user.epoch == epoch and commits:pending(user.username) == nil
end

--- The caller of a session, if it is known at this epoch.
---@param username string
---@param credentials_version number
---@param epoch number
---@return VerifiedCaller|nil
function M.known_session(username, credentials_version, epoch)
    local user = by_name:get(username)
    if is_current(user, epoch) and user.credentials_version == credentials_version then
        return user
    end
    return nil
end

--- The caller with an access token, if it is known at this epoch and the token has not expired.
-- Notes that the token is used.
---@param hash string
---@param epoch number
---@return VerifiedCaller|nil
function M.known_token(hash, epoch)
    local user = by_hash:get(hash)
    if is_current(user, epoch) and access_tokens.use(user.access_token, hash,
            user.token_expires_at) then
        return user
    end
    return nil
end

--- The caller of a session.
---@param row table the account's, which is enabled
---@param epoch number|nil of the accounts, where the row is on disk
---@return VerifiedCaller
function M.session(row, epoch)
    local user = by_name:get(row.username)
    -- a row is another tuple after each change, also after one that is rolled back
    if user == nil or user.row ~= row then
        user = of_session(row)
        by_name:put(row.username, user)
    end
    user.epoch = epoch or user.epoch
    return user
end

--- The caller with an access token; nil: it has expired. Notes that the token is used.
---@param row table the account's, which is enabled and has the token
---@param token table its row
---@param epoch number|nil of the accounts, where both rows are on disk
---@return VerifiedCaller|nil
function M.token(row, token, epoch)
    local hash = token.hash
    if not access_tokens.use(token.id, hash, token.expires_at) then
        return nil
    end
    local user = by_hash:get(hash)
    if user == nil or user.token ~= token or user.row ~= row then
        user = of_token(row, token)
        by_hash:put(hash, user)
    end
    user.epoch = epoch or user.epoch
    return user
end

return M
