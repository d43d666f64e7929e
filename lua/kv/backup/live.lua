--- The running instance's part in a backup. It takes a snapshot, which is of one moment and
-- has nothing in it that is not in the log as well, and keeps it from being collected; all
-- the rest is done by a program beside it, so that no call waits for a copy or a checksum.
local fiber = require('fiber')
local fio = require('fio')
local json = require('json')
local popen = require('popen')
local tarantool = require('tarantool')

local files = require('kv.backup.files')
local store = require('kv.data.store')
local writes = require('kv.data.transaction')

local M = {}

local PROGRAM = fio.pathjoin(
    fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2))), 'main.lua')

--- The program runs in the data folder, as this instance does.
local CONSOLE = 'console.sock'

--- Seconds between two looks whether a snapshot that was under way is done.
local POLL_INTERVAL = 0.1

--- Rows and bytes of a page of a comparison: they take less than half a millisecond of the
-- instance's one thread.
local MAX_ROWS = 250
local MAX_BYTES = 128 * 1024

local under_way = false

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

local function everything(process, stream)
    local parts = {}
    repeat
        local part = process:read(stream)
        table.insert(parts, part)
    until part == nil or part == ''
    return table.concat(parts)
end

--- Runs the program beside this instance, which goes first where both want the processor;
-- it dies with it.
local function run(...)
    local pipe, null = popen.opts.PIPE, popen.opts.DEVNULL
    local process = popen.new({ '/usr/bin/env', 'nice', arg[-1], PROGRAM, ... }, {
        stdin = null, stdout = pipe, stderr = pipe, env = { PATH = os.getenv('PATH') },
    })
    local ok, output = pcall(everything, process)
    local said = ok and everything(process, { stderr = true })
    local status = ok and process:wait()
    process:close()
    if not ok then
        error(output, 0)
    end
    if status.exit_code ~= 0 then
        local reason = ('\n' .. said):match('\nkv: (.-)\n*$') or said:match('([^\n]+)\n*$')
        error(reason or 'the copying program was killed', 0)
    end
    return json.decode(output)
end

local function copy(folder)
    snapshot()
    local source = newest_snapshot(box.backup.start())
    local pid = tostring(tarantool.pid())
    local ok, result = pcall(run, 'copy', source, folder, CONSOLE, pid)
    box.backup.stop()
    if not ok then
        error(result, 0)
    end
    return result
end

--- Leaves the folder as it was when no backup comes of it.
local function take(folder)
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

--- Makes a backup in a folder, verified against what is served meanwhile.
---@param folder string an absolute path; missing, or empty
---@return table report the manifest, and in `compared` what the comparison has counted
function M.backup(folder)
    if type(folder) ~= 'string' or folder:sub(1, 1) ~= '/' then
        error('the absolute path of a folder is wanted', 0)
    end
    if under_way then
        error('another backup is under way', 0)
    end
    under_way = true
    local ok, result = pcall(take, folder)
    under_way = false
    if not ok then
        error(result, 0)
    end
    return result
end

--- What an instance needs to load a snapshot of this one.
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

--- Rows of the store as the disk has them, those that have expired too.
---@param after string|nil the key to go on after
---@return table {rows, next}
function M.page(after)
    local rows, last
    repeat
        rows, last = page(after)
    until writes.journal:await_all()
    return { rows, last }
end

--- Keys that were deleted after a revision, as far as the log of changes tells.
---@param since number
---@return table {keys, through, newest}: the revision to go on from, and the store's; where
-- they differ and `through` is `since`, the log does not go back so far
function M.deletions(since)
    local keys, through, bytes = {}, since, 0
    for _, batch in box.space.kv_changes:pairs(since, { iterator = 'GT' }) do
        if batch.revision ~= through + 1 or bytes > MAX_BYTES then
            break
        end
        if batch.values == nil then
            for _, key in ipairs(batch.keys) do
                table.insert(keys, key)
            end
        end
        through, bytes = tonumber(batch.revision), bytes + batch:bsize()
    end
    return { keys, through, store.revision() }
end

return M
