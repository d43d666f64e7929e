--- Keys in byte order, in pages.
local clock = require('kv.data.clock')
local store = require('kv.data.store')

local M = {}

--- Expired rows that a page skips: more of them end it early.
local MAX_EXPIRED = 10000

--- Iterates over the rows with a key from `prefix` on, and with a later one than `after`.
---@param prefix string
---@param after string|nil
function M.rows_from(prefix, after)
    if after ~= nil and after >= prefix then
        return box.space.kv:pairs(after, { iterator = 'GT' })
    end
    return box.space.kv:pairs(prefix, { iterator = 'GE' })
end

--- A page of the live rows at one moment.
---@param prefixes string[] in byte order; a key begins with at most one of them
---@param after string|nil the key after which the page begins
---@param limit number rows of a page
---@param max_bytes number of a page; its first row may be larger
---@param with_values boolean whether the values count
---@return table[] rows
---@return string|nil last the key after which the next page begins; nil: there is none
function M.page(prefixes, after, limit, max_bytes, with_values)
    local now, rows, bytes, expired = clock.now(), {}, 0, 0
    for _, prefix in ipairs(prefixes) do
        for _, row in M.rows_from(prefix, after) do
            if not row.key:startswith(prefix) then
                break
            elseif store.is_live(row, now) then
                bytes = bytes + (with_values and row:bsize() or #row.key)
                if #rows == limit or (bytes > max_bytes and #rows > 0) then
                    return rows, rows[#rows].key
                end
                table.insert(rows, row)
            else
                clock.note_missing(row.expires_at)
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
