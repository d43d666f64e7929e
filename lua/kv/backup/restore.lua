--- Makes a data folder of a backup: whole or not at all, and never over another one.
-- One file is the whole of it, and it gets its name last.
local errno = require('errno')
local ffi = require('ffi')
local fio = require('fio')

local files = require('kv.backup.files')
local format = require('kv.backup.format')
local restored = require('kv.backup.restore_epoch')

local M = {}

ffi.cdef('int flock(int fd, int operation);')

local LOCK_EX_NB = 2 + 4

local DRAFT = 'restore.draft'

--- The lock of a service on the folder of its Tarantool; Tarantool's is on the folder itself.
local LOCK = 'lock'

--- What a data folder may hold before it has data: secrets put there beforehand, the traces
-- of a restore that was killed, what a file system has in its root.
local HARMLESS = {
    [LOCK] = true, [DRAFT] = true, [restored.MARK] = true,
    jwt_secret = true, tarantool_password = true,
    ['lost+found'] = true,
}

local function locked(path, flags)
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

--- The backup itself may lie in the folder.
local function check_empty(data, backup)
    for _, name in ipairs(files.listed(data)) do
        if not HARMLESS[name] and fio.pathjoin(data, name) ~= backup then
            error(('%s is not empty: there is %s in it'):format(data, name), 0)
        end
    end
end

local function place(backup, snapshot, sha256, data)
    check_empty(data, backup)
    local source, draft = fio.pathjoin(backup, snapshot), fio.pathjoin(data, DRAFT)
    fio.unlink(draft)
    local ok, reason = pcall(function()
        if files.copy(source, draft) ~= sha256 then
            format.differs(backup, snapshot)
        end
    end)
    if not ok then
        fio.unlink(draft)
        error(reason, 0)
    end
    files.write(fio.pathjoin(data, restored.MARK), snapshot .. '\n')
    files.rename(draft, fio.pathjoin(data, snapshot))
end

--- Puts a snapshot that should have this sum into a data folder, which is made for it.
---@param backup string the folder that it is in
---@param snapshot string its name
---@param sha256 string
---@param data string
function M.place(backup, snapshot, sha256, data)
    files.make_folder(data)
    local locks = {}
    local ok, reason = pcall(function()
        locks[1] = locked(data .. '/.', { 'O_RDONLY' })
        locks[2] = locked(fio.pathjoin(data, LOCK), { 'O_RDWR', 'O_CREAT' })
        place(backup, snapshot, sha256, data)
    end)
    for _, lock in ipairs(locks) do
        lock:close()
    end
    if not ok then
        error(reason, 0)
    end
end

---@param backup string a resolved path
---@param data string a resolved path; the folder is missing, or empty
---@return Manifest
function M.restore(backup, data)
    local manifest, sha256 = format.open(backup)
    M.place(backup, manifest.snapshot, sha256, data)
    return manifest
end

return M
