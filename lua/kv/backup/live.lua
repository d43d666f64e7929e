--- The running instance's part of a backup. It takes a snapshot, which shows one moment and
-- contains only what is in the write-ahead log as well, and prevents its deletion. A separate
-- program does the rest, so that no call waits for a copy or a checksum.
local clock = require('clock')
local fiber = require('fiber')
local fio = require('fio')
local json = require('json')
local log = require('log')
local popen = require('popen')
local tarantool = require('tarantool')

local files = require('kv.backup.files')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

local PROGRAM = fio.pathjoin(
    fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2))), 'main.lua')

--- The socket of the operators' console in script mode, in the data directory.
M.CONSOLE = 'console.sock'

--- Seconds between two checks whether a snapshot in progress is complete.
local POLL_INTERVAL = 0.1

--- Rows and bytes of a page of a comparison: they take less than half a millisecond of the
-- instance's one thread.
local MAX_ROWS = 250
local MAX_BYTES = 128 * 1024

--- The file in the data directory with the last backup.
local LAST = 'last_backup.json'

local last_backup -- as `M.last` returns it; nil: not read yet
local in_progress = false
local console = M.CONSOLE

--- Sets the socket of the console, by which the program calls this instance. The program runs in
-- the current folder, as the instance does.
---@param path string
function M.configure(path)
    console = path
end

local function snapshot()
    while true do
        local ok, failure = pcall(box.snapshot)
        if ok then
            return
        end
        if failure.code ~= box.error.CHECKPOINT_IN_PROGRESS then
            error(('no snapshot could be made: %s'):format(failure), 0)
        end
        fiber.sleep(POLL_INTERVAL)
    end
end

local function newest_snapshot(pinned)
    for _, path in ipairs(pinned) do
        if path:endswith('.snap') then
            return fio.abspath(path)
        end
    end
end

local function read_all(process, stream)
    local parts = {}
    repeat
        local part = process:read(stream)
        table.insert(parts, part)
    until part == nil or part == ''
    return table.concat(parts)
end

--- Runs the program with a lower priority than this instance; it ends with the instance.
local function run(...)
    local pipe, null = popen.opts.PIPE, popen.opts.DEVNULL
    local process = popen.new({ '/usr/bin/env', 'nice', arg[-1], PROGRAM, ... }, {
        stdin = null, stdout = pipe, stderr = pipe, env = { PATH = os.getenv('PATH') },
    })
    local ok, output = pcall(read_all, process)
    local messages = ok and read_all(process, { stderr = true })
    local status = ok and process:wait()
    process:close()
    if not ok then
        error(output, 0)
    end
    if status.exit_code ~= 0 then
        local reason = ('\n' .. messages):match('\nkv: (.-)\n*$') or messages:match('([^\n]+)\n*$')
        error(reason or 'the copying program was killed', 0)
    end
    return json.decode(output)
end

local function copy(folder)
    snapshot()
    local source = newest_snapshot(box.backup.start())
    local pid = tostring(tarantool.pid())
    local ok, result = pcall(run, 'copy', source, folder, console, pid)
    box.backup.stop()
    if not ok then
        error(result, 0)
    end
    return result
end

--- Makes a backup, or leaves the folder as it was where that fails.
local function make(folder)
    local made = not files.exists(folder)
    if made then
        files.make_folder(folder)
    elseif #files.listed(folder) > 0 then
        error(('%s is not empty'):format(folder), 0)
    end
    local ok, result = pcall(copy, folder)
    if not ok then
        files.clear(folder)
        if made then
            fio.rmdir(folder)
        end
        error(result, 0)
    end
    return result
end

local function path_of_last()
    return fio.pathjoin(box.cfg.memtx_dir, LAST)
end

--- Keeps the time and the size of a backup for the metrics, also after a restart. The backup is
-- complete, whether or not this file can be written.
local function record(bytes)
    last_backup = { at = clock.time(), bytes = bytes }
    local ok, failure = pcall(files.write, path_of_last(), json.encode(last_backup))
    if not ok then
        log.warn('kv: the time of the backup is not kept: %s', failure)
    end
end

--- The last backup of this instance.
---@return table {at = seconds since 1970, bytes = of its snapshot}, both 0 where there was none
function M.last()
    if last_backup == nil then
        local ok, found = pcall(function() return json.decode(files.read(path_of_last())) end)
        local is_valid = ok and type(found) == 'table' and type(found.at) == 'number'
            and type(found.bytes) == 'number'
        if last_backup == nil then -- the read has yielded
            last_backup = is_valid and found or { at = 0, bytes = 0 }
        end
    end
    return last_backup
end

--- Makes a backup in a folder and verifies it against the running store.
---@param folder string an absolute path; missing, or empty
---@return table report the manifest, and the Comparison in `compared`
function M.backup(folder)
    if type(folder) ~= 'string' or folder:sub(1, 1) ~= '/' then
        error('expected the absolute path of a folder', 0)
    end
    if in_progress then
        error('another backup is in progress', 0)
    end
    in_progress = true
    local ok, result = pcall(make, folder)
    in_progress = false
    if not ok then
        error(result, 0)
    end
    record(result.bytes)
    return result
end

--- The limits that an instance needs to load a snapshot of this one.
function M.limits()
    return {
        memtx_memory = box.cfg.memtx_memory,
        memtx_max_tuple_size = box.cfg.memtx_max_tuple_size,
        slab_alloc_factor = box.cfg.slab_alloc_factor,
    }
end

local function page(after)
    local rows, bytes = {}, 0
    for _, row in box.space.kv:pairs(after, { iterator = after == nil and 'ALL' or 'GT' }) do
        if #rows == MAX_ROWS or bytes > MAX_BYTES then
            return rows, rows[#rows].key
        end
        table.insert(rows, row)
        bytes = bytes + row:bsize()
    end
    return rows
end

--- Rows of the store as they are on disk, expired ones included.
---@param after string|nil the key after which the page begins
---@return table {rows, last}: the key after which the next page begins, nil where there is none
function M.page(after)
    local rows, last
    repeat
        rows, last = page(after)
    until transaction.commits:await_all()
    return { rows, last }
end

--- Keys that were deleted after a revision, according to the change log.
---@param since number
---@return table {keys, through, newest}: the revision to resume from, and the store's; where
-- they differ and `through` is `since`, the log does not go back that far
function M.deletions(since)
    local keys, through, bytes = {}, since, 0
    for _, batch in box.space.kv_changes:pairs(since, { iterator = 'GT' }) do
        if batch.revision ~= through + 1 or bytes > MAX_BYTES then
            break
        end
        local values = batch.values
        for i, key in ipairs(batch.keys) do
            if values == nil or values[i] == nil then
                table.insert(keys, key)
            end
        end
        through, bytes = tonumber(batch.revision), bytes + batch:bsize()
    end
    return { keys, through, store.revision() }
end

return M
