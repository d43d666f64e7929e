--- JSON with a line for each member, as people read it. It works on the text: a number of any
-- length, an escape and a duplicate name are shown as they are stored.
local fiber = require('fiber')

local M = {}

--- The most bytes that are shown: a value with thousands of open brackets would need far more
-- than its own size.
local MAX_BYTES = 4 * 1024 * 1024

--- Tokens between two yields, which let calls be served: they take about a millisecond.
local TOKENS = 1000

local STEP = '  '

local function end_of_string(text, start)
    local at = start + 1
    while true do
        local found = text:find('["\\]', at)
        if found == nil then
            return #text
        elseif text:sub(found, found) == '"' then
            return found
        end
        at = found + 2
    end
end

--- The next token, and the position after it.
local function token(text, at)
    local first = text:sub(at, at)
    if first == '"' then
        local last = end_of_string(text, at)
        return text:sub(at, last), last + 1
    end
    local behind = text:match('^%[%s*%]()', at) or text:match('^{%s*}()', at)
    if behind ~= nil then
        return first == '{' and '{}' or '[]', behind
    elseif first:find('[%[%]{},:]') then
        return first, at + 1
    end
    return text:match('^([^%s%[%]{},:"]+)()', at)
end

--- Indents JSON. Yields.
---@param text string valid JSON
---@return string text the same one where the result would be too long
function M.indented(text)
    local parts, bytes, depth = {}, 0, 0
    local at = text:match('^%s*()')
    while at <= #text and bytes <= MAX_BYTES do
        local part
        part, at = token(text, at)
        if part == '[' or part == '{' then
            depth = depth + 1
            part = part .. '\n' .. STEP:rep(depth)
        elseif part == ']' or part == '}' then
            depth = depth - 1
            part = '\n' .. STEP:rep(depth) .. part
        elseif part == ',' then
            part = ',\n' .. STEP:rep(depth)
        elseif part == ':' then
            part = ': '
        end
        bytes = bytes + #part
        table.insert(parts, part)
        if #parts % TOKENS == 0 then
            fiber.yield()
        end
        at = text:match('^%s*()', at)
    end
    return bytes > MAX_BYTES and text or table.concat(parts)
end

return M
