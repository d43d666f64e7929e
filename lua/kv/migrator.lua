--- Applies the migrations: the files of a folder, in the order of their names, each in one
-- transaction with its record, so that no crash can separate them.
--
-- A file `NNNN_name.lua` returns `{ up = function() … end }`. It is never edited once it has
-- been applied anywhere: its record has its SHA-256, which every start compares.
local digest = require('digest')
local fiber = require('fiber')
local fio = require('fio')
local log = require('log')

local M = {}

--- Seconds between two checks of a read-only instance for the migrations of the leader.
local POLL_INTERVAL = 0.1

local function files(folder)
    local found = {}
    -- not fio.glob(): the folder's path may contain wildcards
    for _, entry in ipairs(fio.listdir(folder) or {}) do
        local name = entry:match('^([^.].*)%.lua$')
        if name ~= nil then
            local file = fio.open(fio.pathjoin(folder, entry), { 'O_RDONLY' })
            local text = file:read()
            file:close()
            table.insert(found, { name = name, text = text, sha256 = digest.sha256_hex(text) })
        end
    end
    if #found == 0 then
        error(('there are no migrations in %s'):format(folder), 0)
    end
    table.sort(found, function(a, b) return a.name < b.name end)
    return found
end

local function records()
    local space = box.space.migrations
    return space ~= nil and space:select() or {}
end

--- The files still to apply. Every applied one must exist, unchanged, and come first.
local function pending_files(available)
    local applied = records()
    local by_name = {}
    for _, file in ipairs(available) do
        by_name[file.name] = file
    end
    for position, record in ipairs(applied) do
        local file = by_name[record.name]
        if file == nil then
            error(('migration %s was applied here, but its file is missing'):format(record.name), 0)
        end
        if file.sha256 ~= record.sha256 then
            error(('migration %s was edited after it had been applied here'):format(record.name), 0)
        end
        if available[position] ~= file then
            error(('migration %s comes before %s, which is applied already'):format(
                available[position].name, record.name), 0)
        end
    end
    return { unpack(available, #applied + 1) }
end

local function create_records()
    local space = box.schema.space.create('migrations', {
        format = {
            { 'name', 'string' },
            { 'sha256', 'string' },
            { 'applied_at', 'number' }, -- seconds since 1970
        },
    })
    space:create_index('name', { parts = { 'name' } })
end

local function apply(file)
    local chunk, reason = loadstring(file.text, '@' .. file.name)
    if chunk == nil then
        error(('migration %s: %s'):format(file.name, reason), 0)
    end
    local ok, failure = pcall(box.atomic, function()
        chunk().up()
        box.space.migrations:insert({ file.name, file.sha256, fiber.time() })
    end)
    if not ok then
        error(('migration %s failed and was rolled back: %s'):format(file.name, failure), 0)
    end
    log.info('kv: migration %s applied', file.name)
end

--- Returns once every file of the folder is applied. A read-only instance waits until the
-- leader has applied them, or until it becomes the leader itself.
---@param folder string
function M.migrate(folder)
    local available = files(folder)
    local waiting = false
    local pending = pending_files(available)
    while #pending > 0 do
        if box.info.ro then
            if not waiting then
                log.info('kv: read-only: waiting for the leader to migrate')
                waiting = true
            end
            fiber.sleep(POLL_INTERVAL)
        else
            if box.space.migrations == nil then
                box.atomic(create_records)
            end
            apply(pending[1])
        end
        pending = pending_files(available)
    end
end

return M
