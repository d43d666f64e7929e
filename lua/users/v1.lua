--- Accounts. A change of `credentials_version` ends every token issued before it.
local durability = require('durability')
local errors = require('errors')

local M = {}

local changes = durability.new() -- marked by the user's name

--- The account as the disk has it, or nil.
local function stored(username)
    local user
    repeat
        user = box.space.users:get(username)
    until changes:await(changes:pending(username))
    return user
end

--- Raises kv.UserExists.
---@param username string
---@param password_hash string
function M.create_user(username, password_hash)
    if stored(username) ~= nil then
        errors.raise('UserExists')
    end
    local user = { username, password_hash, 1, os.time() }
    changes:commit({ username }, function() box.space.users:insert(user) end)
end

---@param username string
---@return string|nil password_hash
---@return number|nil credentials_version
function M.find_user(username)
    local user = stored(username)
    if user == nil then
        return nil
    end
    return user.password_hash, user.credentials_version
end

return M
