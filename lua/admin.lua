--- What an operator calls on the console, under `kv.admin`: functions with their help texts.
-- No account has a right to them: the console is the only way.
local live = require('backup.live')

local M = {}

local FUNCTIONS = {
    backup = {
        call = live.backup,
        help = "kv.admin.backup('/a/folder'): makes a verified backup in a folder that is "
            .. 'missing or empty, while the store is served',
    },
}

--- What can be called, and how.
---@param name string|nil nil: everything
local function help(name)
    if name ~= nil then
        return FUNCTIONS[name] and FUNCTIONS[name].help
    end
    local texts = {}
    for _, entry in pairs(FUNCTIONS) do
        table.insert(texts, entry.help)
    end
    table.sort(texts)
    return texts
end

---@return table functions by name
function M.functions()
    local found = { help = help }
    for name, entry in pairs(FUNCTIONS) do
        found[name] = entry.call
    end
    return found
end

return M
