--- Restores a backup into a data directory: completely or not at all, and never over data.
-- It is one file, which gets its name last.
local errno = require('errno')
local ffi = require('ffi')
local fio = require('fio')

local files = require('kv.backup.files')
local format = require('kv.backup.format')
local restore_epoch = require('kv.backup.restore_epoch')

local M = {}

ffi.cdef('int flock(int fd, int operation);')

local LOCK_EX_NB = 2 + 4

local DRAFT = 'restore.draft'

--- The lock file of a service with its own Tarantool; Tarantool locks the folder itself.
local LOCK = 'lock'

--- What an empty data directory may contain: secrets, the files of a restore that was killed,
-- the folder that a file system has in its root.
local HARMLESS = {
    [LOCK] = true, [DRAFT] = true, [restore_epoch.MARKER] = true,
    jwt_secret = true, tarantool_password = true,
    ['lost+found'] = true,
}

local function open_locked(path, flags)
    local file = fio.open(path, flags, tonumber('600', 8))
    if file == nil then
        error(('%s: %s'):format(path, errno.strerror()), 0)
    end
    if ffi.C.flock(file.fh, LOCK_EX_NB) ~= 0 then
        file:close()
        error(('%s is in use'):format(fio.dirname(path)), 0)
    end
    return file
end

--- Raises an error if the folder has data in it. It may contain the backup itself.
local function check_empty(data, backup)
    for _, name in ipairs(files.listed(data)) do
        if not HARMLESS[name] and fio.pathjoin(data, name) ~= backup then
            error(('%s is not empty: there is %s in it'):format(data, name), 0)
        end
    end
end

local function install(backup, snapshot, sha256, data)
    check_empty(data, backup)
    local source, draft = fio.pathjoin(backup, snapshot), fio.pathjoin(data, DRAFT)
    fio.unlink(draft)
    local ok, reason = pcall(function()
        if files.copy(source, draft) ~= sha256 then
            format.raise_damaged(backup, snapshot)
        end
    end)
    if not ok then
        fio.unlink(draft)
        error(reason, 0)
    end
    files.write(fio.pathjoin(data, restore_epoch.MARKER), snapshot .. '\n')
    files.rename(draft, fio.pathjoin(data, snapshot))
end

--- Copies a snapshot into a data directory, which is made for it, and checks its sum.
---@param backup string the snapshot's folder
---@param snapshot string its name
---@param sha256 string
---@param data string
function M.install(backup, snapshot, sha256, data)
    files.make_folder(data)
    local locks = {}
    local ok, reason = pcall(function()
        locks[1] = open_locked(data .. '/.', { 'O_RDONLY' })
        locks[2] = open_locked(fio.pathjoin(data, LOCK), { 'O_RDWR', 'O_CREAT' })
        install(backup, snapshot, sha256, data)
    end)
    for _, lock in ipairs(locks) do
        lock:close()
    end
    if not ok then
        error(reason, 0)
    end
end

---@param backup string a resolved path
---@param data string the resolved path of a missing or empty folder
---@return Manifest
function M.restore(backup, data)
    local manifest, sha256 = format.open(backup)
    M.install(backup, manifest.snapshot, sha256, data)
    return manifest
end

return M
