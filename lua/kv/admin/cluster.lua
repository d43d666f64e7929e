--- The console's functions for a cluster.
local fiber = require('fiber')
local monotonic = require('clock').monotonic

local leader = require('kv.base.leader')
local transaction = require('kv.data.transaction')

local M = {}

--- Seconds for writes in flight, and for the election of the next leader.
local WRITES_TIMEOUT = 2
local ELECTION_TIMEOUT = 10

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

local function step_down()
    if not leader.is_clustered() then
        error('this is a single instance: there is no other node that could lead', 0)
    end
    if not leader.leads() then
        local name = leader.name()
        error(name ~= nil and name ~= box.info.name
            and ('this node does not lead: call it on %s'):format(name)
            or 'this node does not lead', 0)
    end
    if not has_successor() then
        error('no other node is ready to lead', 0)
    end
    leader.step_down(await_writes)
    wait_until(function() return leader.name() ~= nil end, ELECTION_TIMEOUT)
    return ('%s leads'):format(leader.name() or 'no node')
end

M.functions = {
    {
        name = 'step_down',
        arguments = '',
        summary = 'gives the leadership to another node',
        help = 'For the leader of a cluster, before its maintenance: writes stop for some '
            .. 'hundredths of a second, and none is lost. Returns which node leads then.',
        example = 'kv.admin.step_down()',
        call = step_down,
    },
}

return M
