--- Who may call the data procedures, and with which keys. The check travels inside the call
-- it is for, so that a token which was ended a moment ago is refused by the very next call,
-- on every worker.
local accounts = require('users.accounts')
local errors = require('errors')

local M = {}

local function is_admitted(user, caller)
    return user ~= nil and not user.disabled and user.credentials_version == caller[2]
end

--- Raises kv.TokenRevoked for an unknown or a disabled account and for an ended token.
---@param caller table {username, credentials_version}, as the verified token says
---@return table user the account's row
function M.check(caller)
    local user = accounts.find(caller[1])
    if not is_admitted(user, caller) then
        errors.raise('TokenRevoked')
    end
    return user
end

--- Without waiting.
---@param caller table {username, credentials_version}
---@return table|nil user nil: `check` would wait, or raise
function M.at_once(caller)
    local user = accounts.find_at_once(caller[1])
    return is_admitted(user, caller) and user or nil
end

return M
