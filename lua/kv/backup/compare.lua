--- Compares every key of a backup with the store that it was taken from, which is still being
-- written. A revision has one value: a key with another revision has been changed since, and a
-- key with the same revision must have the same value. A difference that no write after the
-- backup explains is a fault.
local errors = require('kv.base.errors')
local store = require('kv.data.store')

local M = {}

--- Faults that the error names.
local MAX_NAMED = 5

local REVISION = store.REVISION

---@class Comparison counts of keys: the backup against the running store
---@field equal number
---@field changed number written since
---@field deleted number deleted since
---@field added number not in the backup, written since
---@field unexplained number missing, and the change log does not go back to the backup

local Faults = {}
Faults.__index = Faults

function Faults:add(sentence, key)
    self.count = self.count + 1
    if self.count <= MAX_NAMED then
        table.insert(self.named, sentence:format(errors.quoted(key)))
    end
end

function Faults:check()
    if self.count > 0 then
        error(('the backup differs from the store: %d keys differ: %s'):format(
            self.count, table.concat(self.named, '; ')), 0)
    end
end

local function is_same(row, other)
    for i = 1, math.max(#row, #other) do
        if row[i] ~= other[i] then
            return false
        end
    end
    return true
end

--- Compares the rows of the backup up to a key with those of a page.
local function compare_page(page, after, last, revision, seen)
    local rows = {}
    for _, row in ipairs(page) do
        rows[row[1]] = row
    end
    local counts, faults = seen.counts, seen.faults
    for _, row in box.space.kv:pairs(after, { iterator = after == nil and 'ALL' or 'GT' }) do
        if last ~= nil and row.key > last then
            break
        end
        local other = rows[row.key]
        rows[row.key] = nil
        if row.revision > revision then
            faults:add('%s is newer than the backup', row.key)
        elseif other == nil then
            seen.missing[row.key] = true
        elseif other[REVISION] > revision then
            counts.changed = counts.changed + 1
        elseif other[REVISION] ~= row.revision then
            faults:add('%s is of another revision', row.key)
        elseif not is_same(row, other) then
            faults:add('%s has another value', row.key)
        else
            counts.equal = counts.equal + 1
        end
    end
    for key, other in pairs(rows) do
        if other[REVISION] <= revision then
            faults:add('%s is missing', key)
        else
            counts.added = counts.added + 1
        end
    end
end

--- Looks up the missing keys in the change log.
local function explain(running, revision, seen)
    local counts, missing = seen.counts, seen.missing
    local since, through, newest
    repeat
        since = through or revision
        local keys
        keys, through, newest = unpack(running:call('deletions', since))
        for _, key in ipairs(keys) do
            if missing[key] then
                missing[key] = nil
                counts.deleted = counts.deleted + 1
            end
        end
    until through == since
    for key in pairs(missing) do
        if through < newest then
            counts.unexplained = counts.unexplained + 1
        else
            seen.faults:add('%s was never in the store', key)
        end
    end
end

--- Compares the store of this process, which has loaded the backup's data, with the running one.
---@param running table a connection to the console of the running instance
---@return Comparison
function M.compare(running)
    local revision = tonumber(box.space.kv_meta:get('revision').value)
    local seen = {
        counts = { equal = 0, changed = 0, deleted = 0, added = 0, unexplained = 0 },
        faults = setmetatable({ count = 0, named = {} }, Faults),
        missing = {},
    }
    local after
    repeat
        local page, last = unpack(running:call('page', after))
        compare_page(page, after, last, revision, seen)
        after = last
    until after == nil
    if next(seen.missing) ~= nil then
        explain(running, revision, seen)
    end
    seen.faults:check()
    return seen.counts
end

return M
