--- A check for Unicode's form NFC (The Unicode Standard, sections 3.11 and 3.12): a text is
-- decomposed, ordered and composed, and must be equal to the result.
--
-- Only for texts of the characters in `unicode.allowed`. There are no data for the others: they
-- are not printable, or no text in NFC contains them.
local unicode = require('kv.accounts.unicode')

local M = {}

--- Hangul syllables are composed by their numbers: S of L and V, or of another S and T.
local S, L, V, T = 0xAC00, 0x1100, 0x1161, 0x11A7
local COUNT_L, COUNT_V, COUNT_T = 19, 21, 28

local function number(hexadecimal)
    return tonumber(hexadecimal, 16)
end

local function read_classes(text)
    local classes = {}
    for word in text:gmatch('%S+') do
        local first, last, class = word:match('^(%x+)%-?(%x*)=(%x+)$')
        for code = number(first), number(last ~= '' and last or first) do
            classes[code] = number(class)
        end
    end
    return classes
end

--- The pairs by their composites, and the composites by the first and the second of the pair.
local function read_composites(text)
    local pairs_of, composites = {}, {}
    for composite, first, second in text:gmatch('(%x+)=(%x+)%+(%x+)') do
        composite, first, second = number(composite), number(first), number(second)
        pairs_of[composite] = { first, second }
        composites[first] = composites[first] or {}
        composites[first][second] = composite
    end
    return pairs_of, composites
end

local classes = read_classes(unicode.classes)
local pairs_of, composites = read_composites(unicode.composites)

local function class_of(code)
    return classes[code] or 0
end

local function decompose(code, into)
    local pair, syllable = pairs_of[code], code - S
    if pair ~= nil then
        decompose(pair[1], into)
        decompose(pair[2], into)
    elseif syllable >= 0 and syllable < COUNT_L * COUNT_V * COUNT_T then
        local l_v, t = math.floor(syllable / COUNT_T), syllable % COUNT_T
        table.insert(into, L + math.floor(l_v / COUNT_V))
        table.insert(into, V + l_v % COUNT_V)
        if t > 0 then
            table.insert(into, T + t)
        end
    else
        table.insert(into, code)
    end
end

--- Sorts each run of combining marks by their classes; marks of one class stay in order.
local function order(codes)
    for i = 2, #codes do
        local code, position = codes[i], i
        local class = class_of(code)
        while class > 0 and position > 1 and class_of(codes[position - 1]) > class do
            codes[position] = codes[position - 1]
            position = position - 1
        end
        codes[position] = code
    end
end

local function syllable_of(first, second)
    local l, v, t = first - L, second - V, second - T
    if l >= 0 and l < COUNT_L and v >= 0 and v < COUNT_V then
        return S + (l * COUNT_V + v) * COUNT_T
    end
    local syllable = first - S
    local is_l_v = syllable >= 0 and syllable < COUNT_L * COUNT_V * COUNT_T
        and syllable % COUNT_T == 0
    return is_l_v and t > 0 and t < COUNT_T and first + t or nil
end

local function composite_of(first, second)
    local seconds = composites[first]
    return seconds ~= nil and seconds[second] or syllable_of(first, second)
end

local function compose(codes)
    local composed, starter, last_class = {}, nil, 0
    for _, code in ipairs(codes) do
        local class, composite = class_of(code), nil
        local is_blocked = last_class > 0 and last_class >= class
        if starter ~= nil and not is_blocked then
            composite = composite_of(composed[starter], code)
        end
        if composite ~= nil then
            composed[starter] = composite
        else
            table.insert(composed, code)
            starter = class == 0 and #composed or starter
            last_class = class
        end
    end
    return composed
end

--- Whether a text is in the form NFC.
---@param codes number[] its code points
function M.is_nfc(codes)
    local decomposed = {}
    for _, code in ipairs(codes) do
        decompose(code, decomposed)
    end
    order(decomposed)
    local composed = compose(decomposed)
    for i = 1, math.max(#codes, #composed) do
        if codes[i] ~= composed[i] then
            return false
        end
    end
    return true
end

return M
