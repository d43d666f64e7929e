--- Durable files and folders, which only their owner may read.
local crypto = require('crypto')
local errno = require('errno')
local fio = require('fio')

local M = {}

local FOLDER_MODE = tonumber('700', 8)
local FILE_MODE = tonumber('600', 8)

--- Bytes copied at a time.
local CHUNK = 1024 * 1024

local function must(path, result, reason)
    if result == nil or result == false then
        error(('%s: %s'):format(path, reason or errno.strerror()), 0)
    end
    return result
end

local function opened(path, flags)
    return must(path, fio.open(path, flags, FILE_MODE))
end

---@return boolean whether there is a folder, a file or anything else
function M.exists(path)
    return fio.path.lexists(path)
end

---@return string[] names
function M.listed(folder)
    return must(folder, fio.listdir(folder))
end

--- Removes what is in a folder.
function M.clear(folder)
    for _, name in ipairs(M.listed(folder)) do
        local path = fio.pathjoin(folder, name)
        if fio.path.is_dir(path) then
            fio.rmtree(path)
        else
            fio.unlink(path)
        end
    end
end

--- Makes the names in a folder durable.
function M.sync_folder(path)
    local folder = opened(path, { 'O_RDONLY' })
    local ok, reason = folder:fsync()
    folder:close()
    must(path, ok, reason)
end

function M.make_folder(path)
    must(path, fio.mktree(path, FOLDER_MODE))
    M.sync_folder(fio.dirname(path))
end

--- Runs `body` with an open file, which is closed afterwards in any case.
local function with(path, flags, body)
    local file = opened(path, flags)
    local ok, result = pcall(body, file)
    file:close()
    if not ok then
        error(result, 0)
    end
    return result
end

--- Makes a file durable. A write on a full disk may store a part and report success.
local function finish(file, path, bytes)
    must(path, file:fsync())
    local size = must(path, file:stat()).size
    if size ~= bytes then
        error(('%s: the disk took %d of %d bytes'):format(path, size, bytes), 0)
    end
end

--- Reads a file to its end, in chunks.
---@param each function|nil called with every chunk
---@return string sha256 in hexadecimal
---@return number bytes
function M.digest(path, each)
    local hash, bytes = crypto.digest.sha256.new(), 0
    hash:init()
    with(path, { 'O_RDONLY' }, function(file)
        while true do
            local chunk = must(path, file:read(CHUNK))
            if #chunk == 0 then
                return
            end
            hash:update(chunk)
            bytes = bytes + #chunk
            if each ~= nil then
                each(chunk)
            end
        end
    end)
    return hash:result():hex(), bytes
end

--- Copies a file to a name that must not exist.
---@return string sha256 of the bytes read
---@return number bytes
function M.copy(from, to)
    local sha256, bytes
    with(to, { 'O_WRONLY', 'O_CREAT', 'O_EXCL' }, function(output)
        sha256, bytes = M.digest(from, function(chunk) must(to, output:write(chunk)) end)
        finish(output, to, bytes)
    end)
    return sha256, bytes
end

--- Writes a file that appears under its name complete or not at all.
function M.write(path, text)
    local draft = path .. '.draft'
    with(draft, { 'O_WRONLY', 'O_CREAT', 'O_TRUNC' }, function(file)
        must(draft, file:write(text))
        finish(file, draft, #text)
    end)
    must(path, fio.rename(draft, path))
    M.sync_folder(fio.dirname(path))
end

function M.read(path)
    return with(path, { 'O_RDONLY' }, function(file) return must(path, file:read()) end)
end

function M.rename(from, to)
    must(to, fio.rename(from, to))
    M.sync_folder(fio.dirname(to))
end

return M
