--- The floors of Tarantool's procedures: look-ups and replaces, and nothing else.
--
-- They are called with the arguments of the procedures that they are compared with, so that both
-- decode the same bytes. Replaces go to spaces of their own, which have the rows of `kv` and some
-- of the indexes of `kv` and `kv_changes`. Runs on the console of a filled instance, once.
local USER = 'kv_service'

local ROWS_PER_TRANSACTION = 1000

--- Batches in a change log. As in a log that has reached its limit, the oldest one is deleted for
-- each new one.
local MAX_BATCHES = 100

--- What the index of the change log's keys has of a batch, as in lua/kv/data/change_log.lua.
local MAX_INDEXED, ONLY_LARGE = 50, { '' }

--- Creates a space with the format of another one, and copies of these indexes of it.
local function create_like(original, name, indexes)
    local space = box.schema.space.create(name, { format = original:format() })
    for number, index in ipairs(indexes) do
        local definition = box.space._index.index.name:get({ original.id, index })
        box.space._index:insert(definition:update({ { '=', 1, space.id }, { '=', 2, number - 1 } }))
    end
    return box.space[name]
end

local function create_filled(name, indexes)
    local space, rows = create_like(box.space.kv, name, indexes), box.space.kv:select()
    for first = 1, #rows, ROWS_PER_TRANSACTION do
        box.atomic(function()
            for i = first, math.min(first + ROWS_PER_TRANSACTION - 1, #rows) do
                space:replace(rows[i])
            end
        end)
    end
    return space
end

local function look_up(_, keys)
    local index = box.space.kv.index.key_hash
    for i = 1, #keys do
        index:get(keys[i])
    end
end

local function replace_rows(space, keys, values)
    local row = {}
    for i = 1, #keys do
        row[1], row[2], row[3] = keys[i], values[i], 1
        space:replace(row)
    end
end

local revision = 0 -- of the change logs

local function append(log, keys, values)
    revision = revision + 1
    log:insert({
        revision, keys, values, os.time(), USER, 1, box.NULL,
        #keys <= MAX_INDEXED and keys or ONLY_LARGE,
    })
    if log:len() > MAX_BATCHES then
        log:delete(log.index.revision:min().revision)
    end
end

local function replace_in(space, log)
    return function(_, keys, values)
        box.atomic(function()
            replace_rows(space, keys, values)
            if log ~= nil then
                append(log, keys, values)
            end
        end)
    end
end

local hash_only = create_filled('floor_hash', { 'key_hash' })
local rows = create_filled('floor_rows', { 'key', 'key_hash' })
local log = create_like(box.space.kv_changes, 'floor_log', { 'revision' })
local indexed_log = create_like(box.space.kv_changes, 'floor_indexed_log', { 'revision', 'key' })

rawset(_G, 'floor', {
    look_up = look_up,
    replace_hash_only = replace_in(hash_only),
    replace = replace_in(rows),
    replace_and_log = replace_in(rows, log),
    replace_and_index_log = replace_in(rows, indexed_log),
})
for name in pairs(rawget(_G, 'floor')) do
    box.schema.func.create('floor.' .. name, { setuid = true })
    box.schema.user.grant(USER, 'execute', 'function', 'floor.' .. name)
end
