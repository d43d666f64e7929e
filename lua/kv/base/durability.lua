--- Commits that nobody can read before they are on disk.
--
-- memtx shows a transaction to every fiber as soon as it is committed in memory, while its
-- record is still on the way to the write-ahead log: a crash, or a failed write, would take
-- back what a reader has been told already. So a transaction is kept here under its marks (a
-- revision, a deleted key, a user's name) until the log has answered, and a reader that meets
-- one of them waits for that answer. Records reach the log in the order of the commits: once
-- the newest write that a reader has met is on disk, so are the others. One that fails may
-- do so at once, while older ones are still on their way.
local fiber = require('fiber')

local M = {}
M.__index = M

---@class Write a transaction on its way to the log
---@field number number in the order of the commits
---@field on_disk boolean|nil the log's answer; false: it was rolled back

function M.new()
    local none = { number = 0, on_disk = true }
    return setmetatable({
        under_way = {}, unanswered = {}, newest = none, answered = fiber.cond(),
    }, M)
end

--- Runs `body` in a transaction; returns when it is on disk, raises when it was rolled back.
---@param marks any[] what `pending` finds it by
---@param body function must not yield
function M:commit(marks, body, ...)
    local write = { number = self.newest.number + 1 }
    self.newest = write
    self.unanswered[write] = true
    for i = 1, #marks do
        self.under_way[marks[i]] = write
    end
    local ok, result = pcall(box.atomic, body, ...)
    write.on_disk = ok
    self.unanswered[write] = nil
    for i = 1, #marks do
        if self.under_way[marks[i]] == write then -- a newer one may have the same mark
            self.under_way[marks[i]] = nil
        end
    end
    self.answered:broadcast()
    if not ok then
        error(result, 0)
    end
    return result
end

--- The last write with this mark, if the log has not answered it yet.
---@param mark any
---@return Write|nil
function M:pending(mark)
    return self.under_way[mark]
end

---@param one Write|nil
---@param other Write|nil
---@return Write|nil
function M.later(one, other)
    if one == nil or other == nil then
        return one or other
    end
    return one.number > other.number and one or other
end

--- Waits for the log's answer.
---@param write Write|nil as `pending` gave it
---@return boolean on_disk false: it was rolled back, read again
function M:await(write)
    if write == nil then
        return true
    end
    while write.on_disk == nil do
        self.answered:wait()
    end
    return write.on_disk
end

--- Waits for every write so far: for an answer that rests on more than single rows.
---@return boolean on_disk false: the newest was rolled back, read again
function M:await_all()
    local write = self.newest
    if write.on_disk == false then -- at once, perhaps, and before older ones
        write = nil
        for older in pairs(self.unanswered) do
            write = M.later(write, older)
        end
    end
    return self:await(write)
end

--- Ends every `wait`: there is something else to look at.
function M:wake()
    self.answered:broadcast()
end

--- Waits until some write is answered, or the time is over.
---@param seconds number
function M:wait(seconds)
    self.answered:wait(seconds)
end

return M
