--- Forgetting: removes what the change log has of a key, besides the latest change. That one stays,
-- the value that the key has or its deletion: without it, readers of the change log would keep
-- another one.
local fiber = require('fiber')

local capacity = require('kv.capacity')
local change_log = require('kv.data.change_log')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- The work between two yields: keys that are searched, and bytes of batches that a transaction
-- rewrites. It takes some milliseconds of the instance's one thread. One batch may have more.
local STEP_KEYS, STEP_BYTES = 5000, 1024 * 1024

--- How the batches that have a key are found: by the index, and without it.
local WAYS = { change_log.each_of, change_log.each_unindexed_of }

--- The next batches that have the key, the newest first.
---@param each function one of WAYS
---@return number[] revisions
---@return number|nil next `before` of the next call; nil: there is none
local function find(each, key, before, limit)
    local revisions, keys, bytes, next_before = {}, 0, 0, nil
    each(key, before, function(found)
        keys = keys + found.count
        if found.position ~= nil then
            table.insert(revisions, found.revision)
            bytes = bytes + found.batch:bsize()
        end
        if #revisions == limit or keys >= STEP_KEYS or bytes >= STEP_BYTES then
            next_before = found.revision
            return true
        end
        return false
    end)
    return revisions, next_before
end

--- The latest change of a key that is found in one way.
---@return number revision 0: there is none
local function latest(each, key)
    local before = store.revision() + 1
    repeat
        local revisions, next_before = find(each, key, before, 1)
        if #revisions > 0 then
            return revisions[1]
        end
        before = next_before
        fiber.yield()
    until before == nil
    return 0
end

--- Rewrites batches, inside a transaction.
local function rewrite(key, revisions)
    for _, revision in ipairs(revisions) do
        change_log.remove(revision, key)
    end
end

--- Removes the changes of a key that are found in one way.
---@return number changes that were removed
local function forget_before(before, each, key)
    local removed = 0
    repeat
        local revisions
        revisions, before = find(each, key, before, math.huge)
        if #revisions > 0 then
            capacity.with_reserve(function()
                transaction.commits:commit({}, rewrite, key, revisions)
            end)
            removed = removed + #revisions
        end
        fiber.yield()
    until before == nil
    return removed
end

--- Removes the changes of a key before its latest one from the change log, in many small
-- transactions. On the instance that takes writes.
---@param key string
---@return number changes that were removed
function M.forget(key)
    local before, removed = 0, 0
    for _, each in ipairs(WAYS) do
        before = math.max(before, latest(each, key))
    end
    for _, each in ipairs(WAYS) do
        removed = removed + forget_before(before, each, key)
    end
    return removed
end

return M
