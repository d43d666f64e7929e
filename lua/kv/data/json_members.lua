--- The members of a JSON object as one text, `"key":value,"key":value`: one string of Lua, however
-- many values there are.
local buffer = require('buffer')
local ffi = require('ffi')
local json = require('json')

local C = ffi.C
local M = {}

ffi.cdef('size_t strcspn(const char *text, const char *reject);')

--- The characters that a string of JSON must escape (RFC 8259, section 7), but for NUL, which ends
-- a string of C.
local ESCAPED = { '"\\' }
for code = 1, 31 do
    table.insert(ESCAPED, string.char(code))
end
ESCAPED = table.concat(ESCAPED)

--- Bytes of the buffer that are kept for the next text.
local KEPT = 1024 * 1024

local QUOTE, COLON, COMMA = ('":,'):byte(1, 3)

local out = buffer.ibuf()

local function clear()
    if out:capacity() > KEPT then
        out:recycle()
    else
        out:reset()
    end
end

--- Begins a text. There is one at a time: no yield may come before it ends, or is given up.
function M.begin()
    clear()
end

--- Adds a member.
---@param key string
---@param value cdata first byte of a JSON text
---@param size number bytes of that
function M.add(key, value, size)
    local length = #key
    if C.strcspn(key, ESCAPED) ~= length then
        local name = json.encode(key)
        ffi.copy(out:alloc(#name), name, #name)
    else
        local name = out:alloc(length + 2)
        name[0], name[length + 1] = QUOTE, QUOTE
        ffi.copy(name + 1, key, length)
    end
    local text = out:alloc(size + 2)
    text[0], text[size + 1] = COLON, COMMA
    ffi.copy(text + 1, value, size)
end

--- Ends the text.
---@return string
function M.finish()
    local size = out:size()
    local text = size > 0 and ffi.string(out.rpos, size - 1) or ''
    clear()
    return text
end

return M
