--- One level of the keys, in pages: the keys in which no delimiter follows the prefix, and the
-- prefixes of the others, up to their first delimiter. They are one sequence in byte order.
--
-- The keys below a prefix are counted up to MAX_COUNT, and skipped beyond it by seeking. The work
-- counts against listing.MAX_SKIPPED: the page ends before the prefix whose keys are too many for
-- it, or returns it uncounted if it is the first one. So a page returns each prefix whole or not
-- at all, and the next one begins further on.
local clock = require('kv.data.clock')
local listing = require('kv.data.listing')
local rows = require('kv.data.rows')
local store = require('kv.data.store')

local M = {}

--- Keys below a prefix that are counted: of more the number is not known.
M.MAX_COUNT = 1000

--- Keys that are counted one by one before `Scan:look_ahead` counts the others. It cannot where
-- some key of the store has expired.
M.LOOK_AHEAD_AFTER = 64

--- The rows whose reading takes as long as one look ahead: to the limit, and to an end before it.
-- On 2.6 a row takes 0.6 us, and these 18 us and 55 us.
local LIMIT_COST, END_COST = 30, 100

--- Bytes of a prefix in a reply, with the number of its keys and without its text.
local PREFIX_BYTES = 32

--- The rows with any of the prefixes, in byte order; parts of them can be skipped.
local Scan = {}
Scan.__index = Scan

local function new_scan(prefixes)
    return setmetatable({ prefixes = prefixes, at = 1 }, Scan)
end

function Scan:open(key, iterator)
    self.next_row, self.state = rows.scan(key, iterator)
end

--- Continues at a text: rows at it (GE) or after it (GT). It never goes back.
function Scan:seek(text, iterator)
    local prefix = self.prefixes[self.at]
    while prefix ~= nil and prefix < text and not text:startswith(prefix) do
        self.at = self.at + 1 -- all its keys are before the text
        prefix = self.prefixes[self.at]
    end
    if prefix == nil then
        self.next_row = nil
    elseif text < prefix then
        self:open(prefix, 'GE')
    else
        self:open(text, iterator)
    end
end

---@return cdata|nil row
---@return string|nil key of the row
function Scan:next()
    while self.next_row ~= nil do
        local row = self.next_row(self.state)
        local key, prefix = row and rows.key(row), self.prefixes[self.at]
        if row ~= nil and key:startswith(prefix) then
            return row, key
        end
        self.at = self.at + 1
        prefix = self.prefixes[self.at]
        if prefix ~= nil then
            self:open(prefix, 'GE')
        else
            self.next_row = nil
        end
    end
end

--- The key of the row at this distance from a row, if it has the same prefix; so have those in
-- between. The distance costs little: Tarantool skips the rows by itself.
function Scan:key_at(key, distance, prefix)
    local options = { iterator = 'GE', offset = distance, limit = 1 }
    local row = box.space.kv:select(key, options)[1]
    local found = row and row.key
    if row ~= nil and found:startswith(prefix) and found:startswith(self.prefixes[self.at]) then
        return found
    end
    return nil
end

--- Counts the rows after a row that have the same prefix, up to `most`, in steps of powers of two.
---@return number count
---@return string last the key of the last one
function Scan:look_ahead(key, most, prefix)
    local last = self:key_at(key, most, prefix)
    if last ~= nil then
        return most, last
    end
    local count, step = 0, 1
    while step * 2 < most do
        step = step * 2
    end
    while step >= 1 do
        local found = self:key_at(key, step, prefix)
        if found ~= nil then
            count, key = count + step, found
        end
        step = step / 2
    end
    return count, key
end

--- The least text after all that begin with a prefix. The last byte of UTF-8 is below 255.
local function successor(prefix)
    return prefix:sub(1, -2) .. string.char(prefix:byte(-1) + 1)
end

--- The prefix up to the first delimiter; nil: it is a key of this level.
local function child_of(key, prefix, delimiter)
    local _, last = key:find(delimiter, #prefix + 1, true)
    return last and key:sub(1, last)
end

local function add_prefix(page, prefix, count)
    table.insert(page.prefixes, prefix)
    table.insert(page.counts, count or box.NULL)
    page.passed = prefix
end

--- Ends the page if it has read enough.
---@param live number rows of the prefix that have been counted
---@return boolean is_over
local function end_if_spent(page, prefix, live)
    if page.skipped < listing.MAX_SKIPPED then
        return false
    elseif page.passed == nil and live > 0 then
        add_prefix(page, prefix, nil) -- another page would not get further
    end
    page:finish()
    return page.last ~= nil
end

--- Counts the live rows below a prefix of the level, and adds it unless there are none.
---@param page Page
---@param scan table
---@param prefix string
---@param row cdata the first one
---@param key string of the row
---@param has_expired boolean whether some row of the store has
---@return cdata|nil row after them
---@return string|nil key of the row
local function add_level(page, scan, prefix, row, key, has_expired)
    local live = 0
    repeat
        page.skipped = page.skipped + 1
        if rows.is_live(row, page.now) then
            live = live + 1
            if live == 1 and not page:admit(#prefix + PREFIX_BYTES) then
                return nil
            end
        else
            clock.note_missing(rows.expires_at(row))
            -- a page that begins after the prefix itself would skip all of it
            if live == 0 and key ~= prefix then
                page.passed = key
            end
        end
        if live == M.LOOK_AHEAD_AFTER and not has_expired then
            local count, last = scan:look_ahead(key, M.MAX_COUNT + 1 - live, prefix)
            live = live + count
            page.skipped = page.skipped + (live > M.MAX_COUNT and LIMIT_COST or END_COST)
            scan:seek(last, 'GT')
        end
        if live > M.MAX_COUNT then
            add_prefix(page, prefix, nil)
            scan:seek(successor(prefix), 'GE')
            return scan:next()
        elseif end_if_spent(page, prefix, live) then
            return nil
        end
        row, key = scan:next()
    until row == nil or not key:startswith(prefix)
    if live > 0 then
        add_prefix(page, prefix, live)
    end
    return row, key
end

local function begin(scan, prefix, after, delimiter)
    if after == nil then
        scan:seek(prefix, 'GE')
    elseif after:startswith(prefix) and child_of(after, prefix, delimiter) == after then
        scan:seek(successor(after), 'GE')
    else
        scan:seek(after, 'GT')
    end
    return scan:next()
end

--- A page of a level at one moment.
---@param prefixes string[] of the readable keys, as grants.readable returns them
---@param after string|nil the key or the prefix after which the page begins; inside of a prefix
-- the page begins with it, and counts the keys after
---@param limit number keys and prefixes of the page
---@param max_bytes number
---@param shown table as listing.new_page takes these
---@param prefix string of the level
---@param delimiter string not empty
---@return Page
function M.page(prefixes, after, limit, max_bytes, shown, prefix, delimiter)
    local page, scan = listing.new_page(limit, max_bytes, shown), new_scan(prefixes)
    local has_expired = store.has_expired(page.now)
    local row, key = begin(scan, prefix, after, delimiter)
    while row ~= nil and page.last == nil do
        local child = child_of(key, prefix, delimiter)
        if child ~= nil then
            row, key = add_level(page, scan, child, row, key, has_expired)
        else
            if rows.is_live(row, page.now) then
                page:add(row, key)
            else
                page:skip(row, key)
            end
            row, key = scan:next()
        end
    end
    page.found:finish()
    return page
end

return M
