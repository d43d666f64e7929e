--- The change log: a tuple for each batch of changes, by revision, without a gap.
-- It is bounded in bytes: appending a batch removes the oldest ones.
--
-- A batch has its keys, each once, and their values: null as a whole where all keys were deleted,
-- null in the place of a deleted key where others were written. It also has the time, the account
-- that made the change, and the expiries: null where no key expires, otherwise one for each key.
-- A batch without an account is that of the collector of expired keys. Batches that a version
-- before these fields has written have none of them, and are not in the index of keys. The keys of
-- a batch may all have been removed from it since: readers skip it.
local clock = require('clock')

local prefixes = require('kv.base.prefixes')
local store = require('kv.data.store')
local tuples = require('kv.base.tuples')

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

--- Bytes of an entry in the index of keys, as measured: 20 in the tree, which is not quite full,
-- and 4 in the header of the tuple. The second copy of the key is a part of the content.
local PER_KEY = 24

--- Keys of a batch, each of which has an entry in the index of keys. A larger batch has one entry,
-- of the empty key, and is searched: see the migrations.
local MAX_INDEXED, LARGE = 50, ''
local ONLY_LARGE = { LARGE }

--- The field of a batch's keys, and an empty array in MessagePack.
local KEYS, EMPTY_ARRAY = 2, 0x90

--- The field of a batch's keys in that index. It has no name: see the migrations.
local INDEXED_KEYS = 8

--- The record of the newest batch that is not in the index.
local UNINDEXED = 'unindexed_changes'

--- The share of the memory that the log may take, on the instance with the least memory.
local MAX_SHARE = 1 / 4

--- The cost of reading a batch, in bytes that could be read instead.
local PER_READ = 256

local configured, own_memory = 0, math.huge -- bytes
local limit = 0 -- bytes; 0: there is no log
local headroom = 0 -- bytes that may be appended before the size of the log is checked again
local edition = clock.time()

--- Sets the limit, before the first write.
---@param bytes number that the log may take; 0 switches it off
---@param memory number bytes of the instance's memory
function M.configure(bytes, memory)
    configured, own_memory = bytes, memory
    limit, headroom = math.min(bytes, memory * MAX_SHARE), 0
end

--- Adapts the limit to the other nodes of a cluster: writes bring a larger log down to it.
---@param memory number bytes of the one that has the least
function M.adapt(memory)
    local adapted = math.min(configured, math.min(own_memory, memory) * MAX_SHARE)
    if adapted ~= limit then
        limit, headroom = adapted, 0
    end
end

--- Empties a log that has missed a write, because it was switched off for a time: nobody could
-- resume from it. Records the newest batch of a version that had no index: it may have led before.
-- On the instance that takes writes, before the first one.
function M.check()
    headroom = 0 -- another node may have led
    local log = box.space.kv_changes
    local newest = log.index.revision:max()
    if newest == nil then
        return
    elseif limit == 0 or newest.revision ~= store.revision() then
        log:truncate()
    elseif newest[INDEXED_KEYS] == nil and M.unindexed() < newest.revision then
        box.space.kv_meta:replace({ UNINDEXED, newest.revision })
    end
end

function M.is_enabled()
    return limit > 0
end

---@return number
function M.bytes()
    local log = box.space.kv_changes
    local by_key = log.index.key -- a follower may have no migration yet that creates it
    local keys = by_key ~= nil and by_key:len() or 0
    return tonumber(log:bsize() + log:len() * PER_BATCH + keys * PER_KEY)
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
        local oldest = log.index.revision:min()
        tuples.release(log:delete(oldest.revision))
        tuples.release(oldest)
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
        tuples.release(log:delete(newest.revision))
        tuples.release(newest)
    end
end

--- The expiries of a batch as the log has them.
local function one_for_each(expiries, count)
    if expiries == nil or next(expiries) == nil then
        return nil
    end
    for i = 1, count do
        if expiries[i] == nil then
            expiries[i] = box.NULL
        end
    end
    return expiries
end

local function check_again()
    headroom = 0
end

--- Removes the oldest batches of a log that is larger than its limit, and notes its headroom: none
-- after a removal, which may be rolled back. A pending removal by an earlier transaction may be
-- rolled back as well: this one is, then, too.
local function trim(log, revision)
    for step = 1, TRIM_STEP do
        local left = limit - M.bytes()
        if left >= 0 or log:len() == 1 then
            headroom = step == 1 and left or 0
            if headroom > 0 then
                box.on_rollback(check_again)
            end
            return
        end
        tuples.release(log:delete(revision - log:len() + 1)) -- there is no gap
    end
end

--- Appends a batch, inside the transaction of the write. The newest one stays, however large it
-- is.
---@param revision number
---@param change Change see kv.data.transaction
function M.append(revision, change)
    if limit == 0 then
        return
    end
    local log, keys = box.space.kv_changes, change.keys
    local indexed = #keys <= MAX_INDEXED and keys or ONLY_LARGE
    local batch = log:insert({
        revision, keys, change.values or box.NULL, change.at, change.by or box.NULL,
        change.account or box.NULL, one_for_each(change.expiries, #keys) or box.NULL, indexed,
    })
    headroom = headroom - batch:bsize() - PER_BATCH - #indexed * PER_KEY
    tuples.release(batch)
    if headroom < 0 then
        trim(log, revision)
    end
end

--- The oldest revision from which a reader can resume.
function M.oldest()
    local first = box.space.kv_changes.index.revision:min()
    return first == nil and store.revision() or tonumber(first.revision) - 1
end

--- The revision of the newest batch that is not in the index of keys, or 0.
---@return number
function M.unindexed()
    local record = box.space.kv_meta:get(UNINDEXED)
    return record ~= nil and tonumber(record.value) or 0
end

--- The oldest revision after which every batch is in the index of keys.
---@return number
function M.oldest_indexed()
    return math.max(M.oldest(), M.unindexed())
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

--- A number that differs after each removal of a key from a batch, and after each start.
---@return number
function M.edition()
    return edition
end

--- The last field of a batch that readers of changes get.
local LAST_READ = 3

--- The batch as it is, without the fields that readers do not get.
local function whole(batch)
    return #batch > LAST_READ and batch:transform(LAST_READ + 1, #batch - LAST_READ) or batch
end

local function filtered(batch, filter)
    local all_keys, keys, positions = batch.keys, {}, {}
    for i, key in ipairs(all_keys) do
        if prefixes.match_any(key, filter) then
            table.insert(keys, key)
            table.insert(positions, i)
        end
    end
    if #keys == 0 then
        return nil
    elseif #keys == #all_keys then
        return whole(batch) -- without a Lua string of each value
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

--- A batch as readers get it; nil: it has no key for them.
local function visible(batch, filter)
    if filter ~= prefixes.ALL then
        return filtered(batch, filter)
    end
    return tuples.field(batch, KEYS)[0] ~= EMPTY_ARRAY and whole(batch) or nil
end

--- Batches in the order of their revisions, reduced to the keys that begin with one of the
-- prefixes.
---@param since number the revision to resume from: `oldest()` or newer
---@param newest number the last revision to read
---@param filter string[] prefixes
---@param max_bytes number of the batches that are read; the first one may be larger
---@return table batches each {revision, keys, values or null}
---@return number through the revision to resume from next time
function M.after(since, newest, filter, max_bytes)
    local batches, through, bytes = {}, since, 0
    for _, batch in box.space.kv_changes:pairs(since, { iterator = 'GT' }) do
        tuples.note_garbage(batch:bsize())
        bytes = bytes + batch:bsize() + PER_READ
        if batch.revision > newest or (bytes > max_bytes and through > since) then
            break
        end
        table.insert(batches, visible(batch, filter))
        through = tonumber(batch.revision)
    end
    return batches, through
end

--- Appends the written keys of a batch, or the deleted ones.
local function append_part(parts, revision, keys, values, is_written)
    local part_keys, part_values = {}, is_written and {} or nil
    for i, key in ipairs(keys) do
        if (values[i] ~= nil) == is_written then
            table.insert(part_keys, key)
            if is_written then
                table.insert(part_values, values[i])
            end
        end
    end
    if #part_keys > 0 then
        table.insert(parts, { revision, part_keys, part_values })
    end
end

--- Batches as the first versions of the procedures return them: one that has written keys and
-- deleted others is two, of the same revision.
---@param batches table|nil as `after` returns them; null: there are none to return
---@return table|nil batches each {revision, keys, values or nothing: deleted}
function M.separated(batches)
    if batches == nil then
        return batches
    end
    local parts = {}
    for _, batch in ipairs(batches) do
        local revision, keys, values = batch[1], batch[2], batch[3]
        if values == nil then
            table.insert(parts, { revision, keys })
        else
            append_part(parts, revision, keys, values, true)
            append_part(parts, revision, keys, values, false)
        end
    end
    return parts
end

--- The position of a key in a batch, or nil.
local function position_of(key, keys)
    for i = 1, #keys do
        if keys[i] == key then
            return i
        end
    end
    return nil
end

--- The keys of a batch of the index, and whether it was a large one when it was written. Not by
-- a path: 2.6 crashes where it reads a field of the index by one.
local function keys_of(batch)
    local indexed = batch[INDEXED_KEYS]
    if indexed[1] == LARGE then
        return batch.keys, true
    end
    return indexed, false
end

--- A function that returns, the newest first, the batches of one key of the index.
-- `sought` is the key that is looked for in them.
local function descending(indexed, sought, before)
    local by_key, last = box.space.kv_changes.index.key, before
    local next_batch, param, state = by_key:pairs({ indexed, before }, { iterator = 'LT' })
    return function()
        local batch
        state, batch = next_batch(param, state)
        if batch == nil then
            return nil
        end
        tuples.note_garbage(batch:bsize())
        local keys, is_large = keys_of(batch)
        local found = {
            batch = batch, revision = tonumber(batch.revision), count = #keys,
            position = position_of(sought, keys),
        }
        -- the index continues with other keys, maybe of batches that have this one, too
        if indexed ~= LARGE and (found.position == nil or found.revision >= last
                or is_large) then
            return nil
        end
        last = found.revision
        return found
    end
end

--- Visits the batches that have a key, and large ones that do not, the newest first.
---@param key string
---@param before number the batches of lower revisions
---@param visit fun(found: table):boolean|nil true: it was the last one. Gets the batch, its
-- revision, the count of its keys, and the position of the key in it, which a large batch may
-- not have. May yield
function M.each_of(key, before, visit)
    local next_small, next_large = descending(key, key, before), descending(LARGE, key, before)
    local small, large = next_small(), next_large()
    while small ~= nil or large ~= nil do
        local is_small = large == nil or (small ~= nil and small.revision > large.revision)
        if visit(is_small and small or large) then
            return
        elseif is_small then
            small = next_small()
        else
            large = next_large()
        end
    end
end

--- Visits the batches that may not be in the index, the newest first, as `each_of` does. One that
-- is in it has no position.
---@param key string
---@param before number the batches of lower revisions
---@param visit fun(found: table):boolean|nil true: it was the last one. May yield
function M.each_unindexed_of(key, before, visit)
    local from = math.min(before, M.unindexed() + 1)
    for _, batch in box.space.kv_changes:pairs(from, { iterator = 'LT' }) do
        tuples.note_garbage(batch:bsize())
        local found = { batch = batch, revision = tonumber(batch.revision), count = 1 }
        if batch[INDEXED_KEYS] == nil then
            local keys = batch.keys
            found.count, found.position = #keys, position_of(key, keys)
        end
        if visit(found) then
            return
        end
    end
end

--- The first batch after a revision that has a key.
---@param key string
---@param revision number
---@param search function called with the count of keys of each large batch; may yield
---@return number|nil revision
function M.first_after(key, revision, search)
    local by_key, first = box.space.kv_changes.index.key, nil
    local small = by_key:select({ key, revision }, { iterator = 'GT', limit = 1 })[1]
    if small ~= nil and small.revision > revision and position_of(key, small.keys) ~= nil then
        first = tonumber(small.revision)
    end
    for _, batch in by_key:pairs({ LARGE, revision }, { iterator = 'GT' }) do
        tuples.note_garbage(batch:bsize())
        local found, keys, is_large = tonumber(batch.revision), keys_of(batch)
        if not is_large or (first ~= nil and found > first) then
            break
        elseif position_of(key, keys) ~= nil then
            return found
        end
        search(#keys)
    end
    return first
end

--- Removes a key from a batch, inside a transaction. Where it was the only one, the batch stays
-- without keys, so that the log has no gap.
---@param revision number of the batch, which may have been removed
---@param key string
function M.remove(revision, key)
    local batch = box.space.kv_changes:get(revision)
    local position = batch ~= nil and position_of(key, batch.keys)
    if not position then
        return
    end
    local operations = {}
    local function remove_from(path)
        table.insert(operations, { '#', ('%s[%d]'):format(path, position), 1 })
    end
    for _, name in ipairs({ 'keys', 'values', 'expiries' }) do
        if batch[name] ~= nil then
            remove_from(name)
        end
    end
    local indexed = batch[INDEXED_KEYS]
    if indexed ~= nil and indexed[1] ~= LARGE then
        remove_from(('[%d]'):format(INDEXED_KEYS))
    end
    tuples.release(box.space.kv_changes:update(revision, operations))
    tuples.release(batch)
    edition = edition + 1
end

return M
