--- The program behind `make backup`, `make verify` and `make restore`:
--
--     tarantool main.lua backup CONSOLE FOLDER     of the instance with that console
--     tarantool main.lua verify CONSOLE FOLDER     against that instance
--     tarantool main.lua restore FOLDER DATA       into a folder that is missing, or empty
--
-- The instance itself runs `copy SNAPSHOT FOLDER CONSOLE PID`, see kv.backup.live.
local fio = require('fio')

local HERE = fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2)))
local ROOT = fio.dirname(fio.dirname(HERE))
dofile(ROOT .. '/kv/base/searcher.lua')(ROOT)

local json = require('json')

local compare = require('kv.backup.compare')
local console = require('kv.backup.console')
local copy = require('kv.backup.copy')
local files = require('kv.backup.files')
local format = require('kv.backup.format')
local lifeline = require('kv.base.parent_death')
local restore = require('kv.backup.restore')
local versions = require('kv.base.compat')

--- The data folder of the copy that is compared, inside the backup.
local TRIAL = '.trial'

--- The absolute path with all links followed. fio.abspath() goes by the names alone: it
-- takes `link/..` for the folder that the link is in. It changes the current folder for a
-- moment: not for a process whose threads open files by relative names.
---@param path string what it names may be missing
local function resolved(path)
    local here = fio.cwd()
    if fio.chdir(path) then
        local found = fio.cwd()
        assert(fio.chdir(here))
        return found
    end
    path = path:match('^(.-)/*$') -- fio.basename('a/') is empty
    return fio.pathjoin(resolved(fio.dirname(path)), fio.basename(path))
end

--- Restores a snapshot and compares it with the running instance.
---@return table description
---@return Comparison
local function try(folder, snapshot, sha256, running)
    local trial = fio.pathjoin(folder, TRIAL)
    fio.rmtree(trial) -- of one that was killed
    local ok, result = pcall(function()
        restore.place(folder, snapshot, sha256, trial)
        copy.load(trial, running:call('limits'))
        return { copy.described(), compare.compare(running) }
    end)
    fio.rmtree(trial)
    if not ok then
        error(result, 0)
    end
    return unpack(result)
end

local function fill(source, folder, running)
    local snapshot = fio.basename(source)
    local made_at = os.date('!%Y-%m-%dT%H:%M:%SZ')
    local sha256, bytes = files.copy(source, fio.pathjoin(folder, snapshot))
    local manifest, compared = try(folder, snapshot, sha256, running)
    manifest.snapshot, manifest.bytes = snapshot, bytes
    manifest.made_at = made_at
    format.seal(folder, manifest, sha256)
    manifest.compared = compared
    return manifest
end

local COMMANDS = {}

function COMMANDS.copy(source, folder, console_path, pid)
    lifeline.hold(tonumber(pid))
    print(json.encode(fill(source, folder, console.connect(console_path))))
end

local function report(folder, manifest, compared)
    print(('%s: keys: %d, accounts: %d, revision: %d'):format(
        folder, manifest.keys, manifest.accounts, manifest.revision))
    if compared == nil then
        return
    end
    print(('compared with the running store: equal: %d, changed since: %d, deleted since: %d, '
        .. 'new since: %d'):format(
        compared.equal, compared.changed, compared.deleted, compared.added))
    if compared.untold > 0 then
        print(('gone, and the log of changes does not go back so far: %d'):format(
            compared.untold))
    end
end

function COMMANDS.backup(console_path, folder)
    local made = console.connect(console_path):call('backup', resolved(folder))
    report(folder, made, made.compared)
end

function COMMANDS.verify(console_path, folder)
    local running = console.connect(console_path)
    folder = resolved(folder)
    local manifest, sha256 = format.open(folder)
    local _, compared = try(folder, manifest.snapshot, sha256, running)
    report(folder, manifest, compared)
end

function COMMANDS.restore(folder, data)
    report(folder, restore.restore(resolved(folder), resolved(data)))
end

fio.umask(tonumber('077', 8))
versions.lift_slice_limit() -- one page of the store can end after any number of backed up keys
local command = COMMANDS[arg[1]]
local ok, reason = false, 'backup, verify or restore is wanted'
if command ~= nil then
    ok, reason = pcall(command, unpack(arg, 2))
end
if not ok then
    io.stderr:write(('kv: %s\n'):format(reason))
end
os.exit(ok and 0 or 1)
