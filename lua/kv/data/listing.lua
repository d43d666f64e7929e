--- Keys in the order of their bytes, page by page.
local store = require('kv.data.store')
local time = require('kv.data.clock')

local M = {}

--- Expired rows that a page steps over: more of them end it early.
local MAX_EXPIRED = 10000

local function rows_from(prefix, after)
    if after ~= nil and after >= prefix then
        return box.space.kv:pairs(after, { iterator = 'GT' })
    end
    return box.space.kv:pairs(prefix, { iterator = 'GE' })
end

--- A page of the live rows of one moment.
---@param prefixes string[] in the order of their bytes; a key begins with one at the most
---@param after string|nil the key to go on after
---@param limit number rows of a page
---@param max_bytes number of a page, but for its first row
---@param with_values boolean whether the values count
---@return table[] rows
---@return string|nil next the key to go on after; nil: there are no more
function M.page(prefixes, after, limit, max_bytes, with_values)
    local now, rows, bytes, expired = time.now(), {}, 0, 0
    for _, prefix in ipairs(prefixes) do
        for _, row in rows_from(prefix, after) do
            if not row.key:startswith(prefix) then
                break
            elseif store.is_live(row, now) then
                bytes = bytes + (with_values and row:bsize() or #row.key)
                if #rows == limit or (bytes > max_bytes and #rows > 0) then
                    return rows, rows[#rows].key
                end
                table.insert(rows, row)
            else
                expired = expired + 1
                if expired == MAX_EXPIRED then
                    return rows, row.key
                end
            end
        end
    end
    return rows, nil
end

return M
