--- Counters: values that are signed 64-bit integers, exact over the whole range.
local ffi = require('ffi')

local M = {}

local MAX = 9223372036854775807LL
local MIN = -MAX - 1LL

--- Characters of the longest one: a sign and 19 digits.
local MAX_LENGTH = 20

---@param text string JSON
---@return any|nil count int64_t; nil: the text is not a signed 64-bit integer
function M.parse(text)
    if #text > MAX_LENGTH or not (text == '0' or text:match('^%-?[1-9]%d*$') or text == '-0') then
        return nil
    end
    local count = tonumber64(text)
    if count == nil or (text:sub(1, 1) ~= '-' and count > ffi.cast('uint64_t', MAX)) then
        return nil
    end
    return ffi.cast('int64_t', count)
end

---@param number any as decoded from MessagePack: a double, int64_t or uint64_t
---@return any count int64_t
function M.from_number(number)
    return ffi.cast('int64_t', number)
end

---@return any|nil sum int64_t; nil: it would overflow
function M.sum(a, b)
    if (b > 0 and a > MAX - b) or (b < 0 and a < MIN - b) then
        return nil
    end
    return a + b
end

---@param count any int64_t
---@return string text JSON
function M.text(count)
    return (tostring(count):gsub('LL$', ''))
end

return M
