--- Who may call the data procedures, and with which keys. The check travels inside the call
-- it is for, so that a token which was ended a moment ago is refused by the very next call,
-- on every worker.
local accounts = require('kv.accounts.accounts')
local errors = require('kv.base.errors')

local M = {}

local function admitted(user, caller)
    if user == nil or user.disabled or user.credentials_version ~= caller[2] then
        errors.raise('TokenRevoked')
    end
    return user
end

--- Raises kv.TokenRevoked for an unknown or a disabled account and for an ended token.
---@param caller table {username, credentials_version}, as the verified token says
---@return table user the account's row
function M.check(caller)
    return admitted(accounts.find(caller[1]), caller)
end

--- As `check`, which may wait; where it would, this one raises kv.TokenRevoked, too.
---@param caller table {username, credentials_version}
---@return table user the account's row
function M.at_once(caller)
    return admitted(accounts.find_at_once(caller[1]), caller)
end

return M
