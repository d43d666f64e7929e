--- The format of a backup: a folder with a snapshot, `manifest.json`, which describes it, and
-- `SHA256SUMS`, which covers both and is written last: a folder without it is no backup.
-- `sha256sum -c` reads it as well.
local fio = require('fio')
local json = require('json')

local files = require('kv.backup.files')

local M = {}

M.MANIFEST = 'manifest.json'
M.SUMS = 'SHA256SUMS'

local SNAPSHOT = '%d+%.snap'

---@class Manifest
---@field made_at string time in UTC
---@field snapshot string the file's name
---@field bytes number its size
---@field revision number of the store in it, like all the following
---@field keys number
---@field accounts number
---@field migrations string[] names
---@field tarantool string version

--- Completes a backup: writes the manifest and the sums into a folder with a snapshot.
---@param folder string
---@param manifest Manifest
---@param sha256 string of the snapshot
function M.seal(folder, manifest, sha256)
    local path = fio.pathjoin(folder, M.MANIFEST)
    files.write(path, json.encode(manifest) .. '\n')
    files.write(fio.pathjoin(folder, M.SUMS), ('%s  %s\n%s  %s\n'):format(
        files.digest(path), M.MANIFEST, sha256, manifest.snapshot))
end

--- Raises that a file and its sum differ.
---@param folder string
---@param name string
function M.raise_damaged(folder, name)
    error(('%s is damaged, or its sum in %s is'):format(
        fio.pathjoin(folder, name), fio.pathjoin(folder, M.SUMS)), 0)
end

--- Reads the manifest and the sums. Raises where they are missing or damaged.
---@param folder string
---@return Manifest manifest
---@return string sha256 the sum of the snapshot
function M.open(folder)
    local path = fio.pathjoin(folder, M.SUMS)
    if not files.exists(path) then
        error(('%s has no %s: it is no backup, or one that was interrupted'):format(
            folder, M.SUMS), 0)
    end
    local text = files.read(path)
    local of_manifest, of_snapshot, snapshot = text:match(
        ('^(%%x+)  %s\n(%%x+)  (%s)\n$'):format(M.MANIFEST:gsub('%p', '%%%0'), SNAPSHOT))
    if snapshot == nil then
        error(('%s is damaged'):format(path), 0)
    end
    if files.digest(fio.pathjoin(folder, M.MANIFEST)) ~= of_manifest then
        M.raise_damaged(folder, M.MANIFEST)
    end
    local manifest = json.decode(files.read(fio.pathjoin(folder, M.MANIFEST)))
    if manifest.snapshot ~= snapshot then
        error(('%s is damaged'):format(path), 0)
    end
    return manifest, of_snapshot
end

return M
