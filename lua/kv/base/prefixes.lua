--- Prefixes of keys.
local M = {}

--- The prefix of every key. Callers compare with this very table: it needs no filter.
M.ALL = { '' }

--- Whether a key begins with any of the prefixes.
---@param key string
---@param prefixes string[]
function M.match_any(key, prefixes)
    for i = 1, #prefixes do
        if key:startswith(prefixes[i]) then
            return true
        end
    end
    return false
end

return M
