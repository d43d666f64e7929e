--- Accounts, as the service calls them.
local accounts = require('kv.accounts.accounts')
local admission = require('kv.accounts.authorize')
local grants = require('kv.accounts.grants')
local throttle = require('kv.accounts.throttle')

local M = {}

--- What bcrypt makes here begins with this, and the cost in two digits.
local HASH = '$2b$'

--- Of the hashes of all accounts the lowest and the highest cost; of none there is none.
local function costs()
    local index, found = box.space.users.index.password_hash, {}
    local lowest = index:select(HASH, { iterator = 'GE', limit = 1 })[1]
    local highest = index:select(HASH .. '~', { iterator = 'LE', limit = 1 })[1]
    for _, user in pairs({ lowest, highest }) do
        table.insert(found, tonumber(user.password_hash:match('^%$2b%$(%d%d)%$')))
    end
    return found
end

--- Counts a sign-up of this address, unless there were too many.
---@param address string
---@return number|nil wait seconds to wait; nil: it may go on
function M.begin_sign_up(address)
    return throttle.begin_sign_up(address)
end

---@param username string
---@return boolean whether there is an account of this name
function M.has_user(username)
    return accounts.find(username) ~= nil
end

--- Raises kv.UserExists, kv.MemoryFull, kv.DiskFull.
---@param username string
---@param password_hash string
---@param everything boolean|nil whether it may read and write every key; else the default
function M.create_user(username, password_hash, everything)
    accounts.create(username, password_hash, everything and grants.EVERYTHING or nil)
end

--- Counts a login as failed, unless there were too many, and tells what it takes to check its
-- password: for a name that is nobody's as well, so that one cannot be told from the other.
---@param username string
---@param address string
---@return number|nil wait seconds to wait; nil: it may go on
---@return number[]|nil costs of the hashes of all accounts: the lowest, the highest
---@return string|nil password_hash nil: nobody can log in with this name
---@return number|nil credentials_version
function M.begin_login(username, address)
    local wait = throttle.begin_login(username, address)
    if wait ~= nil then
        return wait
    end
    local user = accounts.find(username)
    if user == nil or user.disabled then
        return nil, costs(), nil, nil
    end
    return nil, costs(), user.password_hash, user.credentials_version
end

--- Takes back that a login was counted as failed.
---@param username string
---@param address string
---@param succeeded boolean false: its password was not looked at
function M.end_login(username, address, succeeded)
    throttle.end_login(username, address, succeeded)
end

--- Keeps another hash of the same password; of one that was changed meanwhile it keeps none.
---@param username string
---@param known_hash string
---@param new_hash string
function M.rehash(username, known_hash, new_hash)
    local user = accounts.find(username)
    if user ~= nil and user.password_hash == known_hash then
        accounts.update(username, { password_hash = new_hash }, false)
    end
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
