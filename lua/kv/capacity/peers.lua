--- The disks of the other nodes of a cluster. A follower writes what the leader has committed:
-- on a full disk it stops replicating. So each follower reports its disk space, and the leader
-- refuses an addition that one of them has no space for. It relies on the nodes having the same
-- memory: whether a tuple finds memory, only its allocation tells.
--
-- A report is an event (box.broadcast). The leader subscribes to it with the account of the
-- replication, which needs no right for that.
local fiber = require('fiber')
local log = require('log')
local net_box = require('net.box')

local disk = require('kv.capacity.disk')

local M = {}

local EVENT = 'kv.disk'

--- Seconds for which a report counts: a node that reports no more has failed, and must not stop
-- the others.
local VALID = 1

--- Seconds between two attempts to connect.
local RECONNECT_INTERVAL = 1

local connections = {} -- by the names of the nodes
local reports = {} -- {available = bytes, at = fiber.clock()} by the names of the nodes

--- Reports the disk of this node, a follower, and frees space where there is none.
function M.report()
    disk.refresh(0)
    if not disk.admits(0) then
        disk.free_space()
    end
    box.broadcast(EVENT, disk.available())
end

local function connect(name)
    local uri = require('config'):instance_uri('peer', { instance = name })
    if uri == nil then
        return
    end
    local connection = net_box.connect(uri, {
        wait_connected = false,
        reconnect_after = RECONNECT_INTERVAL,
        fetch_schema = false,
    })
    connection:watch(EVENT, function(_, available)
        if available ~= nil then
            reports[name] = { available = available, at = fiber.clock() }
        end
    end)
    connections[name] = connection
end

--- Subscribes to the reports of the nodes that have joined since the last call.
function M.subscribe()
    for id, peer in pairs(box.info.replication) do
        if id ~= box.info.id and peer.name ~= nil and connections[peer.name] == nil then
            local ok, failure = pcall(connect, peer.name)
            if not ok then
                connections[peer.name] = false -- without another attempt
                log.error('kv: the disk of %s is not watched: %s', peer.name, failure)
            end
        end
    end
end

--- Whether every node that reports has disk space for an addition.
---@param bytes number
function M.admits(bytes)
    for _, report in pairs(reports) do
        if disk.cost(bytes) > report.available and fiber.clock() - report.at < VALID then
            return false
        end
    end
    return true
end

--- Counts an addition until the next report.
---@param bytes number
function M.spend(bytes)
    for _, report in pairs(reports) do
        report.available = report.available - disk.cost(bytes)
    end
end

return M
