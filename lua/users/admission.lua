--- Who may call the data procedures, and with which keys. The check travels inside the call
-- it is for, so that a token which was ended a moment ago is refused by the very next call,
-- on every worker.
local accounts = require('users.accounts')
local errors = require('errors')

local M = {}

--- Raises kv.TokenRevoked for an unknown or a disabled account and for an ended token.
---@param caller table {username, credentials_version}, as the verified token says
---@return table user the account's row
function M.check(caller)
    local user = accounts.find(caller[1])
    if user == nil or user.disabled or user.credentials_version ~= caller[2] then
        errors.raise('TokenRevoked')
    end
    return user
end

return M
