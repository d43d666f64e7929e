--- Commits that no reader sees before they are durable: in the write-ahead log (WAL) on disk,
-- and in a cluster on the disks of a majority.
--
-- memtx shows a transaction to every fiber as soon as it is committed in memory, before its WAL
-- write completes. A crash or a failed WAL write would take back what a reader has returned. So
-- a pending commit is registered here under its tags (a revision, a deleted key, a username),
-- and a reader that meets one of them waits until the WAL write completes. Records reach the
-- WAL in the order of the commits: once the newest commit that a reader has met is on disk, so
-- are the others. A commit that fails may fail at once, while older ones are still pending.
--
-- In a cluster the same holds for the confirmation by a majority, which comes in the order of
-- the commits, too. There a commit whose outcome is unknown stays registered until it is known.
local fiber = require('fiber')
local monotonic = require('clock').monotonic

local histogram = require('kv.base.histogram')
local leader = require('kv.base.leader')
local quorum = require('kv.base.quorum')

local M = {}
M.__index = M

--- Seconds: the bounds of the waits of commits, from the end of their changes until they are
-- durable. An fsync takes a millisecond or less on a good disk; a majority answers within seconds.
local BOUNDS = {}
for i = 0, 13 do
    BOUNDS[i + 1] = 0.001 * 2 ^ i
end

---@class Commit
---@field number number in the order of the commits
---@field begun number|nil monotonic: when its changes were made; nil: not yet
---@field on_disk boolean|nil nil: it is pending; false: it was rolled back

local all = {} -- of the objects

function M.new()
    local none = { number = 0, on_disk = true }
    local object = setmetatable({
        by_tag = {}, pending_commits = {}, newest = none, completed = fiber.cond(),
        waits = histogram.new(BOUNDS),
    }, M)
    table.insert(all, object)
    return object
end

leader.on_resign(function()
    for _, object in ipairs(all) do
        object:wake()
    end
end)

local function complete(self, commit, tags, on_disk)
    commit.on_disk = on_disk
    if on_disk then
        self.waits:observe(monotonic() - commit.begun)
    end
    self.pending_commits[commit] = nil
    for i = 1, #tags do
        if self.by_tag[tags[i]] == commit then -- a newer one may have the same tag
            self.by_tag[tags[i]] = nil
        end
    end
    self.completed:broadcast()
end

--- Runs `body` and notes its end: the commit follows without a yield.
local function run(commit, body, ...)
    local result = body(...)
    commit.begun = monotonic()
    return result
end

--- Runs `body` in a transaction. Returns when it is durable, raises when it was rolled back; in
-- a cluster, raises as quorum.commit does.
---@param tags any[] what `pending` finds it by
---@param body function must not yield
function M:commit(tags, body, ...)
    local commit = { number = self.newest.number + 1 }
    self.newest = commit
    self.pending_commits[commit] = true
    for i = 1, #tags do
        self.by_tag[tags[i]] = commit
    end
    if leader.is_clustered() then
        return quorum.commit(function(confirmed)
            complete(self, commit, tags, confirmed)
        end, run, commit, body, ...)
    end
    local ok, result = pcall(box.atomic, run, commit, body, ...)
    complete(self, commit, tags, ok)
    if not ok then
        error(result, 0)
    end
    return result
end

--- The last commit with this tag, if it is pending.
---@param tag any
---@return Commit|nil
function M:pending(tag)
    return self.by_tag[tag]
end

--- Some pending commit.
---@return Commit|nil
function M:any_pending()
    return (next(self.pending_commits))
end

---@param one Commit|nil
---@param other Commit|nil
---@return Commit|nil
function M.later(one, other)
    if one == nil or other == nil then
        return one or other
    end
    return one.number > other.number and one or other
end

--- Waits until a commit is durable. Raises kv.NotLeader when the node of a cluster does not
-- lead any more: the next leader decides.
---@param commit Commit|nil as `pending` returned it
---@return boolean on_disk false: it was rolled back, read again
function M:await(commit)
    if commit == nil then
        return true
    end
    while commit.on_disk == nil do
        leader.check()
        self.completed:wait()
    end
    return commit.on_disk
end

--- Waits for every commit so far: for a result that depends on more than single rows. Raises
-- kv.NotLeader as `await` does.
---@return boolean on_disk false: the newest was rolled back, read again
function M:await_all()
    local commit = self.newest
    if commit.on_disk == false then -- it may have failed at once, before older ones
        commit = nil
        for older in pairs(self.pending_commits) do
            commit = M.later(commit, older)
        end
    end
    return self:await(commit)
end

--- Ends every `wait`: its condition has to be checked again.
function M:wake()
    self.completed:broadcast()
end

--- Waits until some commit completes, or the time is over.
---@param seconds number
function M:wait(seconds)
    self.completed:wait(seconds)
end

return M
