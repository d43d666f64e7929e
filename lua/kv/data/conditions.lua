--- The conditions of a write on the revisions of keys.
-- A condition is {key, revisions, among}: the key's revision, null where there is no such key,
-- must be one of the revisions (`among`), or must not be one of them.
local rows = require('kv.data.rows')
local store = require('kv.data.store')

local M = {}

local function holds(condition, revision)
    local revisions = condition[2]
    for i = 1, #revisions do
        if revisions[i] == revision then
            return condition[3]
        end
    end
    return not condition[3]
end

---@param conditions table[]
---@return string[] keys
function M.keys(conditions)
    local keys = {}
    for i, condition in ipairs(conditions) do
        keys[i] = condition[1]
    end
    return keys
end

--- The keys whose conditions do not hold, and their revisions.
---@param conditions table[]
---@param now number seconds since 1970
---@return string[]|nil keys nil: all hold
---@return number[]|nil revisions
function M.conflicts(conditions, now)
    local keys, revisions = {}, {}
    for _, condition in ipairs(conditions) do
        local row = store.find(condition[1], now)
        local revision = row ~= nil and rows.revision(row) or box.NULL
        if not holds(condition, revision) then
            table.insert(keys, condition[1])
            table.insert(revisions, revision)
        end
    end
    if #keys > 0 then
        return keys, revisions
    end
end

return M
