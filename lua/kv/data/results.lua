--- What procedures return of rows: columns with an entry for each row, or their members as a text.
local json_members = require('kv.data.json_members')
local rows = require('kv.data.rows')

local M = {}

---@class Shown which of the results there are
---@field members boolean|nil one text, see kv.data.json_members
---@field keys boolean|nil
---@field values boolean|nil JSON texts
---@field sizes boolean|nil bytes of the values
---@field revisions boolean|nil
---@field ttls boolean|nil seconds until each row expires, or null

---@class Results a field for each that is shown
local Results = {}
Results.__index = Results

local COLUMNS = { 'keys', 'values', 'sizes', 'revisions', 'ttls' }

--- Begins results. `finish` ends them: no others are begun, and no yield comes, until then.
---@param shown Shown
---@param now number seconds since 1970
---@return Results
function M.new(shown, now)
    local results = { now = now, has_members = shown.members }
    for i = 1, #COLUMNS do
        local name = COLUMNS[i]
        results[name] = shown[name] and {} or nil
    end
    if shown.members then
        json_members.begin()
    end
    return setmetatable(results, Results)
end

--- Adds a row.
---@param position number in the columns
---@param key string
---@param row cdata see kv.data.rows
function Results:add(position, key, row)
    local value, size = rows.value(row)
    if self.has_members then
        json_members.add(key, value, size)
    end
    if self.keys ~= nil then
        self.keys[position] = key
    end
    if self.values ~= nil then
        self.values[position] = rows.text(row)
    end
    if self.sizes ~= nil then
        self.sizes[position] = size
    end
    if self.revisions ~= nil then
        self.revisions[position] = rows.revision(row)
    end
    if self.ttls ~= nil then
        local expires_at = rows.expires_at(row)
        self.ttls[position] = expires_at ~= nil and expires_at - self.now or box.NULL
    end
end

--- Adds nulls in the place of a row.
---@param position number in the columns
function Results:add_null(position)
    for i = 1, #COLUMNS do
        local column = self[COLUMNS[i]]
        if column ~= nil then
            column[position] = box.NULL
        end
    end
end

--- Ends the results. The rows are not needed any more.
function Results:finish()
    if self.has_members then
        self.members = json_members.finish()
    end
end

return M
