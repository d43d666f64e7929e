--- The program behind `make backup`, `make verify` and `make restore`:
--
--     tarantool main.lua backup CONSOLE FOLDER     of the instance with this console
--     tarantool main.lua verify CONSOLE FOLDER     against this instance
--     tarantool main.lua restore FOLDER DATA       into a missing or empty folder
--
-- The instance itself runs `copy SNAPSHOT FOLDER CONSOLE PID`, see kv.backup.live.
local fio = require('fio')

local HERE = fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2)))
local ROOT = fio.dirname(fio.dirname(HERE))
dofile(ROOT .. '/kv/base/searcher.lua')(ROOT)

local json = require('json')

local compare = require('kv.backup.compare')
local compat = require('kv.base.compat')
local console = require('kv.backup.console')
local copy = require('kv.backup.copy')
local files = require('kv.backup.files')
local format = require('kv.backup.format')
local parent_death = require('kv.base.parent_death')
local restore = require('kv.backup.restore')

--- The data directory of the copy that is compared, inside the backup.
local TRIAL = '.trial'

--- The absolute path with all links resolved. fio.abspath() reads the names alone: to it
-- `link/..` is the folder that contains the link. It changes the current folder for a moment:
-- not for a process whose threads open files by relative names.
---@param path string it may not exist
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
local function verify_copy(folder, snapshot, sha256, running)
    local trial = fio.pathjoin(folder, TRIAL)
    fio.rmtree(trial) -- one of a program that was killed
    local ok, result = pcall(function()
        restore.install(folder, snapshot, sha256, trial)
        copy.load(trial, running:call('limits'))
        return { copy.describe(), compare.compare(running) }
    end)
    fio.rmtree(trial)
    if not ok then
        error(result, 0)
    end
    return unpack(result)
end

local function copy_and_seal(source, folder, running)
    local snapshot = fio.basename(source)
    local made_at = os.date('!%Y-%m-%dT%H:%M:%SZ')
    local sha256, bytes = files.copy(source, fio.pathjoin(folder, snapshot))
    local manifest, compared = verify_copy(folder, snapshot, sha256, running)
    manifest.snapshot, manifest.bytes = snapshot, bytes
    manifest.made_at = made_at
    format.seal(folder, manifest, sha256)
    manifest.compared = compared
    return manifest
end

local COMMANDS = {}

function COMMANDS.copy(source, folder, console_path, pid)
    parent_death.follow_parent(tonumber(pid))
    print(json.encode(copy_and_seal(source, folder, console.connect(console_path))))
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
    if compared.unexplained > 0 then
        print(('missing, and the change log does not go back that far: %d'):format(
            compared.unexplained))
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
    local _, compared = verify_copy(folder, manifest.snapshot, sha256, running)
    report(folder, manifest, compared)
end

function COMMANDS.restore(folder, data)
    report(folder, restore.restore(resolved(folder), resolved(data)))
end

fio.umask(tonumber('077', 8))
compat.lift_slice_limit() -- any number of keys may lie between two pages of the store
local command = COMMANDS[arg[1]]
local ok, reason = false, 'expected backup, verify or restore'
if command ~= nil then
    ok, reason = pcall(command, unpack(arg, 2))
end
if not ok then
    io.stderr:write(('kv: %s\n'):format(reason))
end
os.exit(ok and 0 or 1)
