--- The disks and the memory of the other nodes of a cluster. A follower applies what the leader has
-- committed: with a full disk or memory it stops replicating. So each follower reports what it
-- has left, and the leader refuses an addition that does not fit on one of them.
--
-- A report is an event (box.broadcast). The leader subscribes to it with the account of the
-- replication, which needs no right for that.
local fiber = require('fiber')
local log = require('log')
local net_box = require('net.box')

local disk = require('kv.capacity.disk')
local follower_memory = require('kv.capacity.follower_memory')
local upstream = require('kv.base.upstream')

local M = {}

local DISK_EVENT, MEMORY_EVENT = 'kv.disk', 'kv.memory'

--- Seconds for which a report counts: a node that reports no more has failed, and must not stop
-- the others.
local VALID = 1

--- Seconds between two attempts to connect.
local RECONNECT_INTERVAL = 1

--- Seconds between two comparisons of the connections with the members and their addresses.
local SUBSCRIBE_INTERVAL = 1

---@class Peer
---@field address table of the configuration
---@field connection table|nil nil: it failed, and is not tried again with this address
---@field disk number|nil bytes
---@field memory FreeMemory|nil
---@field reported_at number fiber.clock() of the last report

local peers = {} -- by the names of the nodes
local subscribed_at = -math.huge -- fiber.clock()

local function report_disk()
    disk.refresh(0)
    if not disk.admits(0) then
        disk.free_space()
    end
    box.broadcast(DISK_EVENT, disk.available())
end

local function report_memory()
    local is_full = upstream.lacks_memory()
    local report = is_full and follower_memory.exhaust or follower_memory.available
    box.broadcast(MEMORY_EVENT, report())
end

--- Reports the disk and the memory of this node, a follower, and frees disk space where there is
-- none.
function M.report()
    report_disk()
    report_memory()
end

local function connect(name, peer)
    local connection = net_box.connect(peer.address, {
        wait_connected = false,
        reconnect_after = RECONNECT_INTERVAL,
        fetch_schema = false,
    })
    for event, field in pairs({ [DISK_EVENT] = 'disk', [MEMORY_EVENT] = 'memory' }) do
        connection:watch(event, function(_, available)
            if available ~= nil then
                peer[field], peer.reported_at = available, fiber.clock()
            end
        end)
    end
    peer.connection = connection
    log.info('kv: the capacity of %s is watched at %s', name, peer.address.uri)
end

local function disconnect(name)
    local connection = peers[name].connection
    peers[name] = nil
    if connection ~= nil then
        connection:close()
    end
end

local function is_same(one, other)
    return one.uri == other.uri and one.login == other.login and one.password == other.password
end

--- The addresses of the other members, by their names; of those only that have one.
local function addresses()
    local config, found = require('config'), {}
    for id, peer in pairs(box.info.replication) do
        if id ~= box.info.id and peer.name ~= nil then
            local ok, address = pcall(config.instance_uri, config, 'peer', { instance = peer.name })
            found[peer.name] = ok and address or nil
        end
    end
    return found
end

local function subscribe()
    local members = addresses()
    for name, peer in pairs(peers) do
        if members[name] == nil or not is_same(members[name], peer.address) then
            disconnect(name)
        end
    end
    for name, address in pairs(members) do
        if peers[name] == nil then
            local peer = { address = address, reported_at = -math.huge }
            peers[name] = peer
            local ok, failure = pcall(connect, name, peer)
            if not ok then
                log.error('kv: the capacity of %s is not watched: %s', name, failure)
            end
        end
    end
end

--- Subscribes to the reports of the nodes that have joined or moved since the last call, and
-- ends the subscriptions to former members. Called again at once, it changes nothing.
function M.subscribe()
    local now = fiber.clock()
    if now - subscribed_at > SUBSCRIBE_INTERVAL then
        subscribed_at = now
        subscribe()
    end
end

--- Bytes of memory of the node that has reported the least.
---@return number
function M.least_memory()
    local least = math.huge
    for _, peer in pairs(peers) do
        if peer.memory ~= nil then
            least = math.min(least, peer.memory.size)
        end
    end
    return least
end

--- What an addition lacks on one of the nodes that report.
---@param bytes number
---@param values string[]|nil the added ones
---@return string|nil kind of the error
function M.shortage(bytes, values)
    local cost, oldest = disk.cost(bytes), fiber.clock() - VALID
    for _, peer in pairs(peers) do
        if peer.reported_at > oldest then
            if peer.disk ~= nil and cost > peer.disk then
                return 'DiskFull'
            end
            local available = peer.memory
            if available ~= nil
                    and not follower_memory.suffices(available, bytes, cost, values) then
                return 'MemoryFull'
            end
        end
    end
end

--- Counts an addition until the next report.
---@param bytes number
---@param values string[]|nil the added ones
function M.spend(bytes, values)
    local cost = disk.cost(bytes)
    for _, peer in pairs(peers) do
        if peer.disk ~= nil then
            peer.disk = peer.disk - cost
        end
        if peer.memory ~= nil then
            follower_memory.spend(peer.memory, bytes, cost, values)
        end
    end
end

return M
