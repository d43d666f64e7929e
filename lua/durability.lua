--- Commits that nobody can read before they are on disk.
--
-- memtx shows a transaction to every fiber as soon as it is committed in memory, while its
-- record is still on the way to the write-ahead log: a crash, or a failed write, would take
-- back what a reader has been told already. So a transaction is kept here under a mark (a
-- revision, a user's name) until the log has answered, and a reader that meets a marked row
-- waits for that answer. Records reach the log in the order of the commits: once the newest
-- row of a read is on disk, so are the others.
local fiber = require('fiber')

local M = {}
M.__index = M

function M.new()
    return setmetatable({ in_flight = {}, answered = fiber.cond() }, M)
end

--- Runs `body` in a transaction; returns when it is on disk, raises when it was rolled back.
---@param mark any what `settled` asks for
---@param body function must not yield
function M:commit(mark, body, ...)
    local write = {}
    self.in_flight[mark] = write
    local ok, result = pcall(box.atomic, body, ...)
    write.on_disk = ok
    if self.in_flight[mark] == write then
        self.in_flight[mark] = nil
    end
    self.answered:broadcast()
    if not ok then
        error(result, 0)
    end
    return result
end

--- Waits while the write under this mark is on its way.
---@param mark any
---@return boolean on_disk false: it was rolled back, read again
function M:settled(mark)
    local write = self.in_flight[mark]
    if write == nil then
        return true
    end
    while write.on_disk == nil do
        self.answered:wait()
    end
    return write.on_disk
end

return M
