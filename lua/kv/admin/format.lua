--- Text for the console: sizes, durations, literals, columns.
--
-- The console prints YAML: a text of several lines as it is where one of them is empty, and
-- otherwise as one quoted line.
local M = {}

--- Bytes of a line of prose.
local LINE = 88

--- Grants of a line, and characters of each prefix: `show_grants` shows all of an account.
local MAX_GRANTS_SHOWN = 3
local MAX_PREFIX_SHOWN = 24

local SIZES = { 'KiB', 'MiB', 'GiB', 'TiB' }

---@param seconds number since 1970
function M.time(seconds)
    return os.date('!%Y-%m-%dT%H:%M:%SZ', tonumber(seconds))
end

---@param seconds number
function M.duration(seconds)
    if seconds < 120 then
        return ('%d s'):format(seconds)
    elseif seconds < 120 * 60 then
        return ('%d min'):format(seconds / 60)
    elseif seconds < 48 * 3600 then
        return ('%d h'):format(seconds / 3600)
    end
    return ('%d d'):format(seconds / (24 * 3600))
end

---@param bytes number
function M.size(bytes)
    local size, unit = tonumber(bytes), nil
    for i = 1, #SIZES do
        if size < 1024 then
            break
        end
        size, unit = size / 1024, SIZES[i]
    end
    return unit == nil and ('%d B'):format(size) or ('%.1f %s'):format(size, unit)
end

---@param number number
---@param noun string
function M.count(number, noun)
    return ('%d %s%s'):format(number, noun, number == 1 and '' or 's')
end

local function escaped(character)
    if character == "'" or character == '\\' then
        return '\\' .. character
    end
    return ('\\%03d'):format(character:byte())
end

--- A Lua literal, which the operator can type.
---@param text string
function M.literal(text)
    return "'" .. text:gsub("[%c\\']", escaped) .. "'"
end

--- The first of the grants of an account or of a token.
---@param granted table each {prefix, rights}
function M.grants(granted)
    local texts, left = {}, #granted - MAX_GRANTS_SHOWN
    for i = 1, math.min(#granted, MAX_GRANTS_SHOWN) do
        local prefix, rights = unpack(granted[i])
        if utf8.len(prefix) > MAX_PREFIX_SHOWN then
            prefix = utf8.sub(prefix, 1, MAX_PREFIX_SHOWN) .. '…'
        end
        table.insert(texts, ('%s %s'):format(rights, M.literal(prefix)))
    end
    if left > 0 then
        table.insert(texts, ('%d more'):format(left))
    end
    return #texts == 0 and 'none' or table.concat(texts, ', ')
end

--- Wraps words to lines of a screen's width.
---@param text string
function M.wrapped(text)
    local lines, line = {}, nil
    for word in text:gmatch('%S+') do
        if line == nil then
            line = word
        elseif #line + 1 + #word > LINE then
            table.insert(lines, line)
            line = word
        else
            line = line .. ' ' .. word
        end
    end
    table.insert(lines, line)
    return table.concat(lines, '\n')
end

local function width(text)
    return utf8.len(text) or #text
end

--- Aligns cells in columns; a row without cells is an empty line.
---@param rows table[] each the texts of its cells
---@return string
function M.columns(rows)
    local widths = {}
    for _, row in ipairs(rows) do
        for i = 1, #row - 1 do
            widths[i] = math.max(widths[i] or 0, width(row[i]))
        end
    end
    local lines = {}
    for _, row in ipairs(rows) do
        local cells = {}
        for i, cell in ipairs(row) do
            cells[i] = i == #row and cell or cell .. (' '):rep(widths[i] - width(cell))
        end
        table.insert(lines, table.concat(cells, '  '))
    end
    return table.concat(lines, '\n')
end

return M
