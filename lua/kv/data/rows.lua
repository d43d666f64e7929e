--- Rows of the store in place, by the C API of box: without a Lua object of each row, which Lua's
-- collector would have to finalize, and without a Lua string of each value.
--
-- A row may be used until the next call of box or the next yield: box keeps the tuple that it has
-- returned last (the manual on box_tuple_ref).
local buffer = require('buffer')
local ffi = require('ffi')
local msgpack = require('msgpack')

local tuples = require('kv.base.tuples')

local C = ffi.C
local M = {}

ffi.cdef([[
    struct tuple;
    struct iterator;
    int box_index_get(uint32_t space_id, uint32_t index_id, const char *key, const char *key_end,
                      struct tuple **result);
    struct iterator *box_index_iterator(uint32_t space_id, uint32_t index_id, int type,
                                        const char *key, const char *key_end);
    int box_iterator_next(struct iterator *iterator, struct tuple **result);
    void box_iterator_free(struct iterator *iterator);
    size_t box_tuple_bsize(struct tuple *tuple);
]])

--- Fields of a row, for loops over many: a field's name is looked up each time.
M.KEY, M.VALUE, M.REVISION, M.EXPIRES_AT = 1, 2, 3, 4
local KEY, VALUE, REVISION, EXPIRES_AT = M.KEY, M.VALUE, M.REVISION, M.EXPIRES_AT

--- Bytes before a key in MessagePack at most: the headers of an array and of a text.
local MAX_HEADER = 6

local bytes_t = ffi.typeof('uint8_t *')
local keys = buffer.ibuf()
local result = ffi.new('struct tuple *[1]')

--- A key as a key of an index: an array with one text, in MessagePack.
---@return cdata first byte; valid until the next call
---@return cdata end
local function encoded(key)
    local size, header = #key, 2
    keys:reset()
    local first = keys:reserve(MAX_HEADER + size)
    local bytes = ffi.cast(bytes_t, first)
    bytes[0] = 0x91
    if size < 32 then
        bytes[1] = 0xa0 + size
    else
        bytes[1], header = 0xdb, MAX_HEADER
        bytes[2], bytes[3] = bit.rshift(size, 24), bit.band(bit.rshift(size, 16), 0xff)
        bytes[4], bytes[5] = bit.band(bit.rshift(size, 8), 0xff), bit.band(size, 0xff)
    end
    ffi.copy(bytes + header, key, size)
    return first, first + header + size
end

--- A text of MessagePack.
---@return cdata first byte
---@return number bytes
local function text_in(header)
    local kind = header[0]
    if kind < 0xd9 then
        return header + 1, kind - 0xa0
    elseif kind == 0xd9 then
        return header + 2, header[1]
    elseif kind == 0xda then
        return header + 3, header[1] * 2 ^ 8 + header[2]
    end
    return header + 5,
        ((header[1] * 2 ^ 8 + header[2]) * 2 ^ 8 + header[3]) * 2 ^ 8 + header[4]
end

local function found()
    local row = result[0]
    if row ~= nil then
        return row
    end
end

--- The row of a key, by the fastest index; nil: there is none. It may have expired.
---@param key string
---@return cdata|nil row
function M.get(key)
    local space = box.space.kv
    local first, last = encoded(key)
    if C.box_index_get(space.id, space.index.key_hash.id, first, last, result) ~= 0 then
        box.error()
    end
    return found()
end

local function next_of(scan)
    if C.box_iterator_next(scan.iterator, result) ~= 0 then
        box.error()
    end
    return found()
end

--- Iterates over the rows from a key on, in byte order.
---@param key string
---@param kind string GE: from the key on, GT: after it
---@return function next takes the scan, returns the next row; nil: there is none
---@return table scan
function M.scan(key, kind)
    local space = box.space.kv
    local first, last = encoded(key)
    local from = ffi.string(first, last - first) -- the iterator refers to it
    local text = ffi.cast('const char *', from)
    local iterator = C.box_index_iterator(
        space.id, space.index.key.id, box.index[kind], text, text + #from)
    if iterator == nil then
        box.error()
    end
    return next_of, { iterator = ffi.gc(iterator, C.box_iterator_free), from = from }
end

---@return string
function M.key(row)
    return ffi.string(text_in(tuples.field(row, KEY)))
end

--- The JSON text of a row in place.
---@return cdata first byte
---@return number bytes
function M.value(row)
    return text_in(tuples.field(row, VALUE))
end

--- The JSON text of a row.
---@return string
function M.text(row)
    return ffi.string(M.value(row))
end

---@return number
function M.revision(row)
    local header = tuples.field(row, REVISION)
    local number = header[0] -- up to 127
    if number >= 0x80 then
        number = 0
        for i = 1, 2 ^ (header[0] - 0xcc) do -- 1, 2, 4 or 8 bytes
            number = number * 2 ^ 8 + header[i]
        end
    end
    return number
end

---@return number|nil seconds since 1970; nil: it does not expire
function M.expires_at(row)
    local field = tuples.field(row, EXPIRES_AT)
    if field == nil then
        return nil
    end
    local time = msgpack.decode_unchecked(ffi.cast('const char *', field))
    return time ~= nil and time or nil
end

--- Whether a row has not expired.
---@param now number seconds since 1970
function M.is_live(row, now)
    local expires_at = M.expires_at(row)
    return expires_at == nil or expires_at > now
end

--- The bytes of a row in MessagePack.
---@return number
function M.size(row)
    return tonumber(C.box_tuple_bsize(row))
end

return M
