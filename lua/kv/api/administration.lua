--- Procedures of version 1 for administrators, and for the account that the settings name: see
-- kv.api.v1. Those with a caller raise kv.TokenRevoked, kv.SessionRequired for an access token,
-- and kv.NotAnAdministrator; those with a username besides raise kv.NoSuchAccount.
local accounts = require('kv.accounts.accounts')
local administration = require('kv.accounts.administration')
local authorize = require('kv.accounts.authorize')
local grants = require('kv.accounts.grants')
local memory = require('kv.capacity.memory')
local state = require('kv.metrics.state')

local M = {}

---@class Account
---@field username string
---@field created_at number seconds since 1970
---@field disabled boolean
---@field administrator boolean
---@field grants table each {prefix =, rights =}

---@return Account
local function to_account(user)
    return {
        username = user.username,
        created_at = user.created_at,
        disabled = user.disabled == true,
        administrator = user.administrator == true,
        grants = grants.to_objects(user.grants),
    }
end

--- Lists accounts in the order of their names.
---@param caller Caller
---@param prefix string of their names
---@param after string|nil the name after which the page begins
---@param limit number accounts of a page
---@param max_bytes number of a page; its first account may be larger
---@return Account[] accounts
---@return string|nil last the name after which the next page begins; nil: there is none
function M.list_accounts(caller, prefix, after, limit, max_bytes)
    local rows, last = administration.page(caller, prefix, after, limit, max_bytes)
    local found = setmetatable({}, { __serialize = 'seq' })
    for i, user in ipairs(rows) do
        found[i] = to_account(user)
    end
    return found, last
end

---@param caller Caller
---@param username string
---@return Account
function M.show_account(caller, username)
    return to_account(administration.find(caller, username))
end

--- Raises kv.InvalidGrants, kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param caller Caller
---@param username string
---@param password_hash string
---@param granted table|nil each {prefix =, rights =}; nil: the default grants
---@param is_administrator boolean|nil
---@return Account
function M.create_account(caller, username, password_hash, granted, is_administrator)
    return to_account(administration.create(
        caller, username, password_hash, grants.of_call(granted), is_administrator))
end

--- Changes an account, all members or none. Disabling it and a new password end its tokens.
-- Raises kv.InvalidGrants, kv.LastAdministrator.
---@param caller Caller
---@param username string
---@param changes table any of `disabled`, `grants`, `administrator` and `password_hash`
---@param keeps_access_tokens boolean
---@return Account
function M.change_account(caller, username, changes, keeps_access_tokens)
    return to_account(administration.change(caller, username, {
        disabled = changes.disabled,
        administrator = changes.administrator,
        password_hash = changes.password_hash,
        grants = grants.of_call(changes.grants),
    }, keeps_access_tokens))
end

--- Raises kv.LastAdministrator.
---@param caller Caller
---@param username string
function M.delete_account(caller, username)
    administration.delete(caller, username)
end

--- Ends every token of an account.
---@param caller Caller
---@param username string
---@param keeps_access_tokens boolean
function M.end_account_tokens(caller, username, keeps_access_tokens)
    administration.end_tokens(caller, username, keeps_access_tokens)
end

local function to_files(found)
    local newest = found.newest
    return {
        files = found.count, bytes = found.bytes,
        newest = newest ~= nil and math.floor(newest) or nil,
    }
end

local function to_nodes(nodes)
    local found = setmetatable({}, { __serialize = 'seq' })
    for i, node in ipairs(nodes) do
        found[i] = {
            name = node.name, role = node.leads and 'leader' or 'follower',
            connected = node.connected, lag = node.lag, idle = node.idle,
        }
    end
    return found
end

--- The state of the store, and of the nodes of a cluster as this one sees them.
---@param caller Caller
---@return table state sizes in bytes, times in seconds, moments in seconds since 1970
function M.statistics(caller)
    authorize.check_administrator(caller)
    local data = state.data()
    local used, allocated, limit = memory.usage()
    local wal = to_files(state.write_ahead_log())
    wal.mode = box.cfg.wal_mode
    return {
        keys = data.keys,
        expiring = data.expiring,
        revision = data.revision,
        accounts = data.accounts,
        changes = {
            enabled = data.changes.is_enabled, writes = data.changes.count,
            oldest = data.changes.oldest, bytes = data.changes.bytes, limit = data.changes.limit,
        },
        idempotency = data.idempotency,
        memory = { used = used, allocated = allocated, limit = limit },
        wal = wal,
        snapshots = to_files(state.snapshots()),
        accepts_writes = state.accepts_writes(),
        nodes = to_nodes(state.nodes()),
        tarantool = { version = box.info.version, uptime = tonumber(box.info.uptime) },
    }
end

--- What decides about the account of the settings.
---@param username string
---@return string|nil password_hash nil: there is no account of this name
---@return boolean|nil is_administrator
---@return boolean|nil is_disabled
function M.find_administrator(username)
    local user = accounts.find(username)
    if user == nil then
        return nil
    end
    return user.password_hash, user.administrator == true, user.disabled == true
end

--- Creates the account of the settings, an administrator with every right. Raises
-- kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param username string
---@param password_hash string
function M.create_administrator(username, password_hash)
    accounts.create(username, password_hash, grants.EVERYTHING, true)
end

--- Makes the account of the settings an administrator, if its password has been compared.
---@param username string
---@param known_hash string the hash that the password was compared with
---@return boolean done false: the account has changed in the meantime, or is disabled
function M.confirm_administrator(username, known_hash)
    return administration.confirm(username, known_hash)
end

return M
