--- Commits that no reader sees before they are in the write-ahead log (WAL) on disk.
--
-- memtx shows a transaction to every fiber as soon as it is committed in memory, before its WAL
-- write completes. A crash or a failed WAL write would take back what a reader has returned. So
-- a pending commit is registered here under its tags (a revision, a deleted key, a username),
-- and a reader that meets one of them waits until the WAL write completes. Records reach the
-- WAL in the order of the commits: once the newest commit that a reader has met is on disk, so
-- are the others. A commit that fails may fail at once, while older ones are still pending.
local fiber = require('fiber')

local M = {}
M.__index = M

---@class Commit
---@field number number in the order of the commits
---@field on_disk boolean|nil nil: its WAL write is pending; false: it was rolled back

function M.new()
    local none = { number = 0, on_disk = true }
    return setmetatable({
        by_tag = {}, pending_commits = {}, newest = none, completed = fiber.cond(),
    }, M)
end

--- Runs `body` in a transaction. Returns when it is on disk, raises when it was rolled back.
---@param tags any[] what `pending` finds it by
---@param body function must not yield
function M:commit(tags, body, ...)
    local commit = { number = self.newest.number + 1 }
    self.newest = commit
    self.pending_commits[commit] = true
    for i = 1, #tags do
        self.by_tag[tags[i]] = commit
    end
    local ok, result = pcall(box.atomic, body, ...)
    commit.on_disk = ok
    self.pending_commits[commit] = nil
    for i = 1, #tags do
        if self.by_tag[tags[i]] == commit then -- a newer one may have the same tag
            self.by_tag[tags[i]] = nil
        end
    end
    self.completed:broadcast()
    if not ok then
        error(result, 0)
    end
    return result
end

--- The last commit with this tag, if its WAL write is pending.
---@param tag any
---@return Commit|nil
function M:pending(tag)
    return self.by_tag[tag]
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

--- Waits until the WAL write of a commit completes.
---@param commit Commit|nil as `pending` returned it
---@return boolean on_disk false: it was rolled back, read again
function M:await(commit)
    if commit == nil then
        return true
    end
    while commit.on_disk == nil do
        self.completed:wait()
    end
    return commit.on_disk
end

--- Waits for every commit so far: for a result that depends on more than single rows.
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
