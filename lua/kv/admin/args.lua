--- What an operator has typed: a mistake is answered with one line that names it.
local show = require('kv.admin.format')

local M = {}

--- Entries of a page on a screen, at the most.
local MAX_LIMIT = 1000

---@param name string of the argument
---@param value any
function M.text(name, value)
    if type(value) ~= 'string' or utf8.len(value) == nil then
        error(('%s: a string is wanted'):format(name), 0)
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
        error(('limit: a whole number from 1 to %d is wanted'):format(MAX_LIMIT), 0)
    end
    return limit
end

---@param sentence string with a place for the name
---@param name string
function M.refuse(sentence, name)
    error(sentence:format(show.literal(name)), 0)
end

return M
