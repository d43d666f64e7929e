--- Keys in byte order, in pages.
local clock = require('kv.data.clock')
local store = require('kv.data.store')

local M = {}

local KEY, EXPIRES_AT = store.KEY, store.EXPIRES_AT

--- Rows that a page reads and does not return, because they have expired or are only counted:
-- with more of them it ends early.
M.MAX_SKIPPED = 10000

--- Bytes of the details of a key in a reply, without the key.
local DETAILS_BYTES = 64

---@class Page
---@field rows table[] live ones of one moment
---@field prefixes string[] see kv.data.levels
---@field counts table for each of these the number of its keys, or null
---@field now number seconds since 1970: the moment
---@field last string|nil the text after which the next page begins; nil: there is none
local Page = {}
Page.__index = Page

---@param limit number entries of the page
---@param max_bytes number of the page; its first entry may be larger
---@param shown table {values =, details =}: what the reply shows of the rows, booleans
---@return Page
function M.new_page(limit, max_bytes, shown)
    return setmetatable({
        rows = {}, prefixes = {}, counts = {}, now = clock.now(),
        limit = limit, max_bytes = max_bytes, shown = shown,
        entries = 0, bytes = 0, skipped = 0,
        passed = nil, -- the last text after which the page could end
    }, Page)
end

--- Ends the page where more follows.
function Page:finish()
    self.last = self.passed
end

--- Counts an entry; ends the page if it does not fit.
---@param bytes number
---@return boolean fits
function Page:admit(bytes)
    self.bytes = self.bytes + bytes
    if self.entries == self.limit or (self.bytes > self.max_bytes and self.entries > 0) then
        self:finish()
        return false
    end
    self.entries = self.entries + 1
    return true
end

--- Adds a live row, or ends the page.
function Page:add(row, key)
    local bytes = self.shown.values and row:bsize() or #key
    if self.shown.details then
        bytes = bytes + #key + DETAILS_BYTES
    end
    if self:admit(bytes) then
        table.insert(self.rows, row)
        self.passed = key
    end
end

--- Skips an expired row. Too many end the page.
function Page:skip(row, key)
    clock.note_missing(row[EXPIRES_AT])
    self.skipped = self.skipped + 1
    self.passed = key
    if self.skipped >= M.MAX_SKIPPED then
        self:finish()
    end
end

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
---@param limit number
---@param max_bytes number
---@param shown table as `new_page` takes these
---@return Page
function M.page(prefixes, after, limit, max_bytes, shown)
    local page = M.new_page(limit, max_bytes, shown)
    for _, prefix in ipairs(prefixes) do
        for _, row in M.rows_from(prefix, after) do
            local key = row[KEY]
            if not key:startswith(prefix) then
                break
            elseif store.is_live(row, page.now) then
                page:add(row, key)
            else
                page:skip(row, key)
            end
            if page.last ~= nil then
                return page
            end
        end
    end
    return page
end

return M
