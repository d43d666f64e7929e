--- Where the Tarantools that this code runs on (2.6 to 3.8) differ.
local M = {}

--- For box.cfg: the instance never calls home. A build without that daemon knows no such
-- option and refuses it.
if rawget(box.internal, 'feedback_daemon') ~= nil then
    M.feedback_enabled = false
end

return M
