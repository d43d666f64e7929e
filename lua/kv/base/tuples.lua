--- Tuples that Lua refers to. Their memory stays in use until Lua's collector finds that it refers
-- to them no more. It does not know their size, and has to finalize each.
local ffi = require('ffi')

local M = {}

ffi.cdef([[
    struct tuple;
    void box_tuple_unref(struct tuple *tuple);
    const char *box_tuple_field(struct tuple *tuple, uint32_t field);
]])

--- An empty array in MessagePack.
local EMPTY_ARRAY = '\x90'

--- The bytes of tuples in results after which the collector is called, as a share of the instance's
-- memory.
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

--- Whether a field is an empty array, without a Lua table of it.
---@param tuple table
---@param field number from 1 on
function M.is_empty_array(tuple, field)
    return ffi.string(ffi.C.box_tuple_field(tuple, field - 1), 1) == EMPTY_ARRAY
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
