--- Tuples: their fields in place, and the end of Lua's references to them. Lua's collector does not
-- know the size of tuples, whose memory it keeps in use, and finalizes them one by one.
local ffi = require('ffi')

local M = {}

ffi.cdef([[
    struct tuple;
    void box_tuple_unref(struct tuple *tuple);
    const char *box_tuple_field(struct tuple *tuple, uint32_t field);
]])

local bytes_t = ffi.typeof('const uint8_t *')

--- The bytes of tuples in results after which the collector is called, as a share of the instance's
-- memory: a small one, which a store that is nearly full has left. A collection takes up to 30 ms.
local GARBAGE_SHARE = 1 / 16
local garbage = 0 -- bytes since the last call

--- Ends Lua's reference to a tuple, which must not be used any more.
---@param tuple table|nil
function M.release(tuple)
    if tuple ~= nil then
        ffi.gc(tuple, nil)
        ffi.C.box_tuple_unref(tuple)
    end
end

--- A field in place, in MessagePack.
---@param tuple cdata
---@param field number from 1 on
---@return cdata first byte; NULL: there is no such field
function M.field(tuple, field)
    return ffi.cast(bytes_t, ffi.C.box_tuple_field(tuple, field - 1))
end

--- Notes bytes of tuples that a result refers to.
---@param bytes number
function M.note_garbage(bytes)
    if garbage > box.cfg.memtx_memory * GARBAGE_SHARE then
        garbage = 0
        collectgarbage()
    end
    garbage = garbage + bytes
end

return M
