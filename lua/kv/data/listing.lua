--- Keys in byte order, in pages.
local clock = require('kv.data.clock')
local results = require('kv.data.results')
local rows = require('kv.data.rows')

local M = {}

--- Rows that a page reads and does not return, because they have expired or are only counted:
-- with more of them it ends early.
M.MAX_SKIPPED = 10000

--- Bytes of the details of a key in a reply, without the key.
local DETAILS_BYTES = 64

---@class Page
---@field found Results of the live rows of one moment
---@field prefixes string[] see kv.data.levels
---@field counts table for each of these the number of its keys, or null
---@field count number of the rows
---@field now number seconds since 1970: the moment
---@field last string|nil the text after which the next page begins; nil: there is none
local Page = {}
Page.__index = Page

---@param limit number entries of the page
---@param max_bytes number of the page; its first entry may be larger
---@param shown Shown see kv.data.results
---@return Page
function M.new_page(limit, max_bytes, shown)
    local now = clock.now()
    return setmetatable({
        found = results.new(shown, now), prefixes = {}, counts = {}, now = now,
        limit = limit, max_bytes = max_bytes, shown = shown,
        count = 0, entries = 0, bytes = 0, skipped = 0,
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
    local shown, bytes = self.shown, #key
    if shown.members or shown.values then
        bytes = rows.size(row)
    end
    if shown.sizes then
        bytes = bytes + #key + DETAILS_BYTES
    end
    if self:admit(bytes) then
        self.count = self.count + 1
        self.found:add(self.count, key, row)
        self.passed = key
    end
end

--- Skips an expired row. Too many end the page.
function Page:skip(row, key)
    clock.note_missing(rows.expires_at(row))
    self.skipped = self.skipped + 1
    self.passed = key
    if self.skipped >= M.MAX_SKIPPED then
        self:finish()
    end
end

--- The rows with a key from `prefix` on, and with a later one than `after`.
---@param prefix string
---@param after string|nil
local function scan(prefix, after)
    if after ~= nil and after >= prefix then
        return rows.scan(after, 'GT')
    end
    return rows.scan(prefix, 'GE')
end

--- Adds the live rows with a prefix, until the page ends.
local function add_rows(page, prefix, after)
    for row in scan(prefix, after) do
        local key = rows.key(row)
        if not key:startswith(prefix) then
            return
        elseif rows.is_live(row, page.now) then
            page:add(row, key)
        else
            page:skip(row, key)
        end
        if page.last ~= nil then
            return
        end
    end
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
    for i = 1, #prefixes do
        if page.last == nil then
            add_rows(page, prefixes[i], after)
        end
    end
    page.found:finish()
    return page
end

return M
