--- The log of changes: a tuple for each batch, under its revision, without a gap.
-- It is bounded in bytes: a batch that comes in pushes the oldest ones out.
local grants = require('kv.accounts.grants')
local store = require('kv.data.store')

local M = {}

--- Batches that one write may push out: more than one, so that the log shrinks to its bound
-- after a batch of many bytes; few, so that no write pays for the removal of thousands.
local TRIM_STEP = 64

--- Batches that are given up at once where there is no memory left.
local SHED_STEP = 1000

--- Batches of a transaction that gives all of them up: some milliseconds.
local CLEAR_STEP = 10000

--- What a batch takes beside its bytes, in bytes: a tuple's header, a place in the tree.
local PER_BATCH = 48

--- The share of the instance's memory that the log may have at the most.
local SHARE = 1 / 4

--- What it costs to look at a batch, in bytes that could be looked at instead.
local PER_LOOK = 256

local limit = 0 -- bytes; 0: nothing is kept

--- Before the first write. A log that has missed a write begins anew: after a time without
-- one, what is in it cannot be continued.
---@param bytes number what the log may take; 0 switches it off
---@param memory number the instance's, in bytes
function M.configure(bytes, memory)
    limit = math.min(bytes, memory * SHARE)
    local log = box.space.kv_changes
    local newest = log.index.revision:max()
    if newest == nil or box.info.ro then
        return
    end
    if limit == 0 or newest.revision ~= store.revision() then
        log:truncate()
    end
end

function M.is_kept()
    return limit > 0
end

local function taken()
    local log = box.space.kv_changes
    return tonumber(log:bsize() + log:len() * PER_BATCH)
end

--- What is kept, and the bound.
---@return number batches
---@return number bytes
---@return number limit
function M.size()
    return box.space.kv_changes:len(), taken(), limit
end

local function drop_oldest(count)
    local log = box.space.kv_changes
    for _ = 1, math.min(count, log:len() - 1) do
        log:delete(log.index.revision:min().revision)
    end
end

--- Gives memory back, in a transaction of its own.
function M.shed()
    box.atomic(drop_oldest, SHED_STEP)
end

--- Gives all of it back. Row by row: what truncate() gives back it gives back later, and in
-- a start, which repeats it from the log, too late.
function M.clear()
    while box.space.kv_changes:len() > 1 do
        box.atomic(drop_oldest, CLEAR_STEP)
        collectgarbage()
    end
end

--- Inside the transaction of a write that leaves no entry: the log begins anew after it.
function M.skip()
    local log = box.space.kv_changes
    drop_oldest(log:len())
    local newest = log.index.revision:max()
    if newest ~= nil then
        log:delete(newest.revision)
    end
end

--- Inside the transaction of the write. The newest batch stays, however large it is.
---@param values string[]|nil JSON texts, one for each key; nil: the keys were deleted
function M.append(revision, keys, values)
    if limit == 0 then
        return
    end
    local log = box.space.kv_changes
    log:insert({ revision, keys, values })
    for _ = 1, TRIM_STEP do
        if taken() <= limit or log:len() == 1 then
            return
        end
        log:delete(revision - log:len() + 1) -- there is no gap
    end
end

--- The oldest revision that `after` can go on from.
function M.oldest()
    local first = box.space.kv_changes.index.revision:min()
    return first == nil and store.revision() or tonumber(first.revision) - 1
end

local function narrowed(batch, prefixes)
    local keys, places = {}, {}
    for i, key in ipairs(batch.keys) do
        if grants.begins_with_any(key, prefixes) then
            table.insert(keys, key)
            table.insert(places, i)
        end
    end
    if #keys == 0 then
        return nil
    end
    local all_values, values = batch.values, nil
    if all_values ~= nil then
        values = {}
        for i, place in ipairs(places) do
            values[i] = all_values[place]
        end
    end
    return { batch.revision, keys, values }
end

--- Batches in the order of their revisions, narrowed to the keys that begin with one of
-- the prefixes.
---@param since number the revision to go on from: `oldest()` or newer
---@param newest number the last revision to look at
---@param prefixes string[]
---@param max_bytes number of the batches looked at, but for the first one
---@return table batches each {revision, keys, values or nil}
---@return number through the revision to go on from next time
function M.after(since, newest, prefixes, max_bytes)
    local batches, through, bytes = {}, since, 0
    for _, batch in box.space.kv_changes:pairs(since, { iterator = 'GT' }) do
        bytes = bytes + batch:bsize() + PER_LOOK
        if batch.revision > newest or (bytes > max_bytes and through > since) then
            break
        end
        table.insert(batches, prefixes == grants.ANYTHING and batch or narrowed(batch, prefixes))
        through = tonumber(batch.revision)
    end
    return batches, through
end

return M
