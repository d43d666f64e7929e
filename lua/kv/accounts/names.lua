--- The rule for the name of a new account. It is that of the service
-- (service/auth/credentials.py), which also normalises names: one that is not normalised could
-- never log in. It is that of Unicode 14: a service on a newer Python accepts newer characters.
local normal_form = require('kv.accounts.normal_form')
local unicode = require('kv.accounts.unicode')

local M = {}

--- Characters.
M.MAX_LENGTH = 64

--- The code of the only printable white space.
local SPACE = (' '):byte()

local function read_ranges(text)
    local ranges = {}
    for word in text:gmatch('%S+') do
        local first, last = word:match('^(%x+)%-?(%x*)$')
        table.insert(ranges, { tonumber(first, 16), tonumber(last ~= '' and last or first, 16) })
    end
    return ranges
end

local allowed = read_ranges(unicode.allowed)

local function is_allowed(code)
    local low, high = 1, #allowed
    while low < high do
        local middle = math.ceil((low + high) / 2)
        if allowed[middle][1] <= code then
            low = middle
        else
            high = middle - 1
        end
    end
    return allowed[low][1] <= code and code <= allowed[low][2]
end

--- What is wrong with a name.
---@param name string in UTF-8
---@return string|nil nil: it is valid
function M.fault(name)
    local length = utf8.len(name)
    if length < 1 or length > M.MAX_LENGTH then
        return ('%d characters, expected 1 to %d'):format(length, M.MAX_LENGTH)
    end
    local codes = {}
    for _, code in utf8.next, name do
        if not is_allowed(code) then
            return ('U+%04X is not printable, or not in the Unicode form NFC'):format(code)
        end
        table.insert(codes, code)
    end
    if codes[1] == SPACE or codes[length] == SPACE then
        return 'white space at an end'
    elseif not normal_form.is_nfc(codes) then
        return 'not in the Unicode form NFC'
    end
    return nil
end

return M
