--- Promotions by hand. `box.ctl.promote()` has this node elected at once, while an election first
-- waits for 4 times `replication_timeout` without a sign of the leader. The lease of that leader is
-- shorter (kv.base.lease): so a node that was promoted by hand waits for as long before it leads.
local fiber = require('fiber')

local M = {}

--- Units of `replication_timeout`: as long as an election waits.
local WAIT = 4

local promote -- Tarantool's own
local is_pending = false -- this node was promoted, and has not waited yet

local function promote_by_hand(...)
    is_pending = is_pending or box.info.ro
    return promote(...)
end

--- Begins to watch for promotions. Called again, it changes nothing.
function M.watch()
    if promote == nil then
        promote, box.ctl.promote = box.ctl.promote, promote_by_hand -- luacheck: ignore 122
    end
end

function M.unwatch()
    if promote ~= nil then
        box.ctl.promote, promote = promote, nil -- luacheck: ignore 122
    end
end

--- Where this node was promoted by hand: waits until no other node can have a lease.
function M.await_lease()
    if is_pending then
        fiber.sleep(WAIT * box.cfg.replication_timeout)
        is_pending = false
    end
end

return M
