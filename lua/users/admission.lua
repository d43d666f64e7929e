--- Who may call the data procedures. The check travels inside the call it is for, so that a
-- token which was ended a moment ago is refused by the very next call, on every worker.
local errors = require('errors')

local M = {}

--- Raises kv.TokenRevoked for an unknown account or an outdated token.
---@param caller table {username, credentials_version}, as the verified token says
function M.check(caller)
    local user = box.space.users:get(caller[1])
    if user == nil or user.credentials_version ~= caller[2] then
        errors.raise('TokenRevoked')
    end
end

return M
