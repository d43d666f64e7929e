--- Gives the leadership of a cluster to another node, so that no write is lost or unknown.
local fiber = require('fiber')
local monotonic = require('clock').monotonic

local leader = require('kv.base.leader')
local transaction = require('kv.data.transaction')

local M = {}

--- Seconds for writes in flight, and for the election of the next leader.
local WRITES_TIMEOUT = 2
local ELECTION_TIMEOUT = 2

local POLL_INTERVAL = 0.001

local function wait_until(condition, seconds)
    local deadline = monotonic() + seconds
    while not condition() and monotonic() < deadline do
        fiber.sleep(POLL_INTERVAL)
    end
    return condition()
end

--- Whether another node can lead: a voter that follows this one without a gap.
local function has_successor()
    for id, peer in pairs(box.info.replication) do
        local downstream = peer.downstream
        if id ~= box.info.id and leader.is_connected(peer)
                and downstream ~= nil and downstream.status == 'follow' then
            return true
        end
    end
    return false
end

local function await_writes()
    if not wait_until(function() return transaction.commits:any_pending() == nil end,
            WRITES_TIMEOUT) then
        error('writes wait for a majority: try again', 0)
    end
end

--- Steps down, and waits until another node leads. Raises a sentence where none is ready to, or
-- where writes wait for a majority.
---@return string|nil name of the next leader; nil: none is elected yet
function M.step_down()
    if not has_successor() then
        error('no other node is ready to lead', 0)
    end
    leader.step_down(await_writes)
    wait_until(function() return leader.name() ~= nil end, ELECTION_TIMEOUT)
    return leader.name()
end

return M
