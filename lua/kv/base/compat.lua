--- Differences between the versions of Tarantool that this code runs on (2.6 to 3.8).
local fiber = require('fiber')
local tarantool = require('tarantool')

local M = {}

--- Seconds: longer than any start or backup takes.
local NO_LIMIT = 1e6

--- For box.cfg: the instance sends no reports home. A build without the feedback daemon does
-- not know this option and refuses it.
if rawget(box.internal, 'feedback_daemon') ~= nil then
    M.feedback_enabled = false
end

--- Lets the current fiber run without a yield for any time: 3.x stops it after 1 s. For a
-- fiber that serves no calls and may process millions of rows in one transaction.
function M.lift_slice_limit()
    if fiber.set_max_slice ~= nil then
        fiber.self():set_max_slice(NO_LIMIT)
    end
end

--- Whether Tarantool has the elections that a cluster requires: 3.x alone.
---@return boolean
function M.can_elect()
    return tonumber(tarantool.version:match('^%d+')) >= 3
end

--- Makes changes of the schema and of grants synchronous, or not: 3.x alone can.
---@param is_sync boolean
function M.set_synchronous_schema(is_sync)
    require('compat').box_consider_system_spaces_synchronous = is_sync and 'new' or 'old'
end

return M
