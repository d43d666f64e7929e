--- The connections by which this node receives the writes of others.
-- Tarantool ends one for good when a write cannot be applied here, because the disk or the memory
-- is full, for example. This node then has no newer data, while it looks healthy to the others.
-- The leader needs them too: by them it receives the votes, and learns that it still leads.
local fiber = require('fiber')
local monotonic = require('clock').monotonic
local uri = require('uri')

local repeated_messages = require('kv.base.repeated_messages')

local M = {}

--- Seconds between two attempts: each reads the write that failed from another node again.
local INTERVAL = 5

--- The errors that pass, in Tarantool's words. A split brain does not. The last one comes from
-- the other node's log, where the write that a full disk cut off has been read.
local OUT_OF_MEMORY = 'Failed to allocate'
local PASSING = { 'Failed to write to disk', OUT_OF_MEMORY, 'tx checksum mismatch' }

local is_connecting, connected_at = false, -math.huge
local failures = repeated_messages.new()

local function address(text)
    local parsed = uri.parse(text) or {}
    return ('%s:%s'):format(parsed.host or parsed.unix, parsed.service)
end

local function reconnect(peer)
    local all, others = box.cfg.replication, {}
    all = type(all) == 'table' and all or { all }
    for _, entry in ipairs(all) do
        if address(entry) ~= address(peer) then
            table.insert(others, entry)
        end
    end
    local ok, failure = pcall(box.cfg, { replication = others })
    box.cfg({ replication = all })
    if not ok then
        error(failure, 0)
    end
end

--- Connects to one node again, unless it or another one is being connected to. The other
-- connections stay: a leader that loses all of them steps down. A fiber of its own does it: it
-- waits for nodes that do not answer, and the duties of a new leader must not.
---@param peer string the address, as upstream.peer has it
function M.reconnect(peer)
    if is_connecting then
        return
    end
    is_connecting = true
    fiber.create(function()
        local ok, failure = pcall(reconnect, peer)
        is_connecting, connected_at = false, monotonic()
        if not ok then
            failures:log('error', 'kv: the replication is not resumed: %s', tostring(failure))
        end
    end)
end

local function contains(message, texts)
    for _, text in ipairs(texts) do
        if tostring(message):find(text, 1, true) then
            return true
        end
    end
    return false
end

--- A connection that has ended for one of these reasons; nil: there is none.
---@param texts string[] parts of the message
---@return table|nil upstream as in box.info.replication
function M.find_stopped(texts)
    for _, peer in pairs(box.info.replication) do
        local upstream = peer.upstream
        if upstream ~= nil and upstream.status == 'stopped'
                and contains(upstream.message, texts) then
            return upstream
        end
    end
end

--- Whether a write of another node has found no memory here. Tarantool tries it again, or `resume`
-- does.
---@return boolean
function M.lacks_memory()
    for _, peer in pairs(box.info.replication) do
        local upstream = peer.upstream
        if upstream ~= nil and upstream.status ~= 'follow'
                and contains(upstream.message, { OUT_OF_MEMORY }) then
            return true
        end
    end
    return false
end

--- Connects again where a full disk or memory has ended the replication.
function M.resume()
    if is_connecting or monotonic() - connected_at < INTERVAL then
        return
    end
    local upstream = M.find_stopped(PASSING)
    if upstream ~= nil then
        failures:log('warn', 'kv: the replication has ended (%s): it is resumed',
            tostring(upstream.message))
        M.reconnect(upstream.peer)
    end
end

return M
