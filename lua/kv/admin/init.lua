--- The operators' functions on the console, under `kv.admin`, with their help texts.
-- No account has the right to call them: the console is the only way.
local audit = require('kv.admin.audit')
local format = require('kv.admin.format')
local leader = require('kv.base.leader')

local M = {}

local MODULES = {
    require('kv.admin.accounts'),
    require('kv.admin.access_tokens'),
    require('kv.admin.values'),
    require('kv.admin.statistics'),
    require('kv.admin.backup'),
    require('kv.admin.cluster'),
}

---@class Function
---@field name string
---@field arguments string as the help shows them
---@field summary string one line
---@field help string
---@field example string
---@field writes boolean|nil whether it changes what is stored
---@field call function raises one line that names a mistake

--- Those of all modules, in the order in which the help shows them.
local FUNCTIONS = {}

local function find(name)
    for _, entry in ipairs(FUNCTIONS) do
        if entry.name == name then
            return entry
        end
    end
    error(('there is no function kv.admin.%s: see kv.admin.help()'):format(tostring(name)), 0)
end

local function overview()
    local rows = {
        { "Functions of kv.admin; kv.admin.help('set_grants') describes one of them." },
        {},
    }
    for _, entry in ipairs(FUNCTIONS) do
        table.insert(rows, { entry.name, entry.summary })
    end
    return format.columns(rows)
end

local function help(name)
    if name == nil then
        return overview()
    end
    local entry = find(name)
    return ('kv.admin.%s(%s) %s.\n\n%s\n\nExample: %s'):format(
        entry.name, entry.arguments, entry.summary, format.wrapped(entry.help), entry.example)
end

for _, module in ipairs(MODULES) do
    for _, entry in ipairs(module.functions) do
        table.insert(FUNCTIONS, entry)
    end
end
table.insert(FUNCTIONS, {
    name = 'help',
    arguments = '[name]',
    summary = 'lists the functions, or describes one of them',
    help = 'kv.admin alone lists them, too.',
    example = "kv.admin.help('set_grants')",
    call = help,
})

local function guarded(entry)
    return audit.audited(entry, function(...)
        if not leader.leads() then
            local name = leader.name()
            error(name ~= nil and ('this node does not lead: call it on %s'):format(name)
                or 'this instance is read-only: call it on the one that takes writes', 0)
        end
        return entry.call(...)
    end)
end

--- The functions by name, in a table that the console prints as the overview.
---@return table
function M.functions()
    local found = setmetatable({}, { __serialize = overview })
    for _, entry in ipairs(FUNCTIONS) do
        found[entry.name] = entry.writes and guarded(entry) or entry.call
    end
    return found
end

return M
