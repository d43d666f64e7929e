--- Checks of the arguments that an operator has typed. A mistake raises one line that names it.
local accounts = require('kv.accounts.accounts')
local format = require('kv.admin.format')

local M = {}

--- The most entries of a page.
local MAX_LIMIT = 1000

---@param name string of the argument
---@param value any
function M.text(name, value)
    if type(value) ~= 'string' or utf8.len(value) == nil then
        error(('%s: expected a string'):format(name), 0)
    end
end

---@param after any
function M.after(after)
    if after ~= nil then
        M.text('after', after)
    end
end

---@param limit any nil: the default
---@param default number
---@return number
function M.limit(limit, default)
    if limit == nil then
        return default
    end
    if type(limit) ~= 'number' or limit % 1 ~= 0 or limit < 1 or limit > MAX_LIMIT then
        error(('limit: expected an integer from 1 to %d'):format(MAX_LIMIT), 0)
    end
    return limit
end

---@param sentence string a format with one %s, for the name
---@param name string
function M.refuse(sentence, name)
    error(sentence:format(format.literal(name)), 0)
end

--- The account of this name.
---@param name any
---@return table user its row
function M.account(name)
    M.text('name', name)
    local user = accounts.find(name)
    if user == nil then
        M.refuse('there is no account %s', name)
    end
    return user
end

return M
