--- The counter of ids and credentials versions: a number is never given twice.
local M = {}

--- Increments the counter, inside a transaction.
---@return number
function M.next()
    return box.space.kv_meta:update('credentials', { { '+', 2, 1 } }).value
end

return M
