--- The change log: a tuple for each batch of changes, by revision, without a gap.
-- It is bounded in bytes: appending a batch removes the oldest ones.
local prefixes = require('kv.base.prefixes')
local store = require('kv.data.store')

local M = {}

--- Batches that one write may remove: more than one, so that the log shrinks to its limit after
-- a large batch; few, so that no write pays for the removal of thousands.
local TRIM_STEP = 64

--- Batches that `shed` removes.
local SHED_STEP = 1000

--- Batches of each transaction of `clear`: it takes some milliseconds.
local CLEAR_STEP = 10000

--- Bytes of a batch besides its content: the header of a tuple, an entry in the tree.
local PER_BATCH = 48

--- The share of the memory that the log may take, on the instance with the least memory.
local MAX_SHARE = 1 / 4

--- The cost of reading a batch, in bytes that could be read instead.
local PER_READ = 256

local configured, own_memory = 0, math.huge -- bytes
local limit = 0 -- bytes; 0: there is no log

--- Sets the limit, before the first write.
---@param bytes number that the log may take; 0 switches it off
---@param memory number bytes of the instance's memory
function M.configure(bytes, memory)
    configured, own_memory = bytes, memory
    limit = math.min(bytes, memory * MAX_SHARE)
end

--- Adapts the limit to the other nodes of a cluster: writes bring a larger log down to it.
---@param memory number bytes of the one that has the least
function M.adapt(memory)
    limit = math.min(configured, math.min(own_memory, memory) * MAX_SHARE)
end

--- Empties a log that has missed a write, because it was switched off for a time: nobody could
-- resume from it. On the instance that takes writes, before the first one.
function M.check()
    local log = box.space.kv_changes
    local newest = log.index.revision:max()
    if newest ~= nil and (limit == 0 or newest.revision ~= store.revision()) then
        log:truncate()
    end
end

function M.is_enabled()
    return limit > 0
end

---@return number
function M.bytes()
    local log = box.space.kv_changes
    return tonumber(log:bsize() + log:len() * PER_BATCH)
end

---@return number batches
---@return number bytes
---@return number limit in bytes
function M.size()
    return box.space.kv_changes:len(), M.bytes(), limit
end

local function delete_oldest(count)
    local log = box.space.kv_changes
    for _ = 1, math.min(count, log:len() - 1) do
        log:delete(log.index.revision:min().revision)
    end
end

--- Frees memory, in a transaction of its own.
function M.shed()
    box.atomic(delete_oldest, SHED_STEP)
end

--- Frees the memory of all batches but the newest. Row by row: truncate() frees memory later,
-- and in a start, which replays it from the write-ahead log, too late.
function M.clear()
    while box.space.kv_changes:len() > 1 do
        box.atomic(delete_oldest, CLEAR_STEP)
        collectgarbage()
    end
end

--- What the log releases when memory or disk is short: see kv.capacity.
M.RELEASABLE = { space = 'kv_changes', bytes = M.bytes, shed = M.shed, clear = M.clear }

--- Empties the log, inside the transaction of a write that is not logged.
function M.skip()
    local log = box.space.kv_changes
    delete_oldest(log:len())
    local newest = log.index.revision:max()
    if newest ~= nil then
        log:delete(newest.revision)
    end
end

--- Appends a batch, inside the transaction of the write. The newest one stays, however large it
-- is.
---@param revision number
---@param keys string[]
---@param values string[]|nil JSON texts, one for each key; nil: the keys were deleted
function M.append(revision, keys, values)
    if limit == 0 then
        return
    end
    local log = box.space.kv_changes
    log:insert({ revision, keys, values })
    for _ = 1, TRIM_STEP do
        if M.bytes() <= limit or log:len() == 1 then
            return
        end
        log:delete(revision - log:len() + 1) -- there is no gap
    end
end

--- The oldest revision from which a reader can resume.
function M.oldest()
    local first = box.space.kv_changes.index.revision:min()
    return first == nil and store.revision() or tonumber(first.revision) - 1
end

--- The batches after a revision, in their order.
---@param since number
---@return table[] rows
function M.batches(since)
    return box.space.kv_changes:select(since, { iterator = 'GT' })
end

--- Iterates over the batches after a revision, in their order.
---@param since number
function M.pairs(since)
    return box.space.kv_changes:pairs(since, { iterator = 'GT' })
end

--- The revision of the newest batch that has a key, of which there must be one.
---@param key string
---@return number
function M.newest_change(key)
    return tonumber(box.space.kv_changes.index.key:max({ key }).revision)
end

local function filtered(batch, filter)
    local keys, positions = {}, {}
    for i, key in ipairs(batch.keys) do
        if prefixes.match_any(key, filter) then
            table.insert(keys, key)
            table.insert(positions, i)
        end
    end
    if #keys == 0 then
        return nil
    end
    local all_values, values = batch.values, nil
    if all_values ~= nil then
        values = {}
        for i, position in ipairs(positions) do
            values[i] = all_values[position]
        end
    end
    return { batch.revision, keys, values }
end

--- Batches in the order of their revisions, reduced to the keys that begin with one of the
-- prefixes.
---@param since number the revision to resume from: `oldest()` or newer
---@param newest number the last revision to read
---@param filter string[] prefixes
---@param max_bytes number of the batches that are read; the first one may be larger
---@return table batches each {revision, keys, values or nil}
---@return number through the revision to resume from next time
function M.after(since, newest, filter, max_bytes)
    local batches, through, bytes = {}, since, 0
    for _, batch in box.space.kv_changes:pairs(since, { iterator = 'GT' }) do
        bytes = bytes + batch:bsize() + PER_READ
        if batch.revision > newest or (bytes > max_bytes and through > since) then
            break
        end
        table.insert(batches, filter == prefixes.ALL and batch or filtered(batch, filter))
        through = tonumber(batch.revision)
    end
    return batches, through
end

return M
