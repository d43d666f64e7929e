--- Applies the migrations: the files of a folder, in the order of their names, each in one
-- transaction with its record, so that no crash can separate them.
--
-- A file `NNNN_name.lua` returns `{ up = function() … end, compatible = true }`. It is never
-- edited once it has been applied anywhere: its record has its SHA-256, which every start compares.
-- `compatible` declares that the version before this migration can run on its result. The record
-- has it, so that a node of that version, without the file, can start after the migration.
local digest = require('digest')
local fiber = require('fiber')
local fio = require('fio')
local log = require('log')

local M = {}

--- Seconds between two checks of a read-only instance for the migrations of the leader.
local POLL_INTERVAL = 0.1

--- The field of a record that declares compatibility. Spaces of released versions have no name
-- for it, and their records do not have it.
local COMPATIBLE = 4

--- Reads the files of a folder.
---@param folder string
---@return table migrations
function M.read(folder)
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

--- Whether a record without its file is accepted: of a compatible migration that is newer than
-- all files.
local function is_accepted(record, available)
    return record[COMPATIBLE] == true and record.name > available[#available].name
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
        local expected = available[position]
        if file == nil and not is_accepted(record, available) then
            error(('migration %s was applied here, but its file is missing'):format(record.name), 0)
        end
        if file ~= nil and file.sha256 ~= record.sha256 then
            error(('migration %s was edited after it had been applied here'):format(record.name), 0)
        end
        if expected ~= file then
            error(('migration %s comes before %s, which is applied already'):format(
                expected.name, record.name), 0)
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
            { 'compatible', 'boolean', is_nullable = true },
        },
    })
    space:create_index('name', { parts = { 'name' } })
end

local function apply(file)
    if box.space.migrations == nil then
        box.atomic(create_records)
    end
    local chunk, reason = loadstring(file.text, '@' .. file.name)
    if chunk == nil then
        error(('migration %s: %s'):format(file.name, reason), 0)
    end
    local ok, failure = pcall(box.atomic, function()
        local migration = chunk()
        migration.up()
        box.space.migrations:insert({
            file.name, file.sha256, fiber.time(), migration.compatible == true or nil,
        })
    end)
    if not ok then
        error(('migration %s failed and was rolled back: %s'):format(file.name, failure), 0)
    end
    log.info('kv: migration %s applied', file.name)
end

--- Whether all migrations are applied here. Raises a sentence where an applied one is unknown.
---@param migrations table as `read` returned them
---@return boolean
function M.is_complete(migrations)
    return #pending_files(migrations) == 0
end

--- Applies what is not applied yet. Raises where the instance becomes read-only.
---@param migrations table as `read` returned them
function M.apply(migrations)
    local pending = pending_files(migrations)
    while #pending > 0 do
        apply(pending[1])
        pending = pending_files(migrations)
    end
end

--- Returns once every file of the folder is applied. A read-only instance waits until the
-- leader has applied them, or until it becomes the leader itself.
---@param folder string
function M.migrate(folder)
    local migrations = M.read(folder)
    local waiting = false
    local pending = pending_files(migrations)
    while #pending > 0 do
        if not box.info.ro then
            apply(pending[1])
        else
            if not waiting then
                log.info('kv: read-only: waiting for the leader to migrate')
                waiting = true
            end
            fiber.sleep(POLL_INTERVAL)
        end
        pending = pending_files(migrations)
    end
end

return M
