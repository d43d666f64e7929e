--- The connections by which this node receives the writes of others.
-- Tarantool ends one for good when a write cannot be applied here, because the disk or the memory
-- is full, for example. This node then has no newer data, while it looks healthy to the others.
local log = require('log')
local monotonic = require('clock').monotonic

local M = {}

--- Seconds between two attempts: each reads the write that failed from another node again.
local INTERVAL = 5

--- The errors that pass, in Tarantool's words. A split brain does not. The last one comes from
-- the other node's log, where the write that a full disk cut off has been read.
local PASSING = { 'Failed to write to disk', 'Failed to allocate', 'tx checksum mismatch' }

local resumed_at = -math.huge

local function has_passing_failure(peer)
    local upstream = peer.upstream
    if upstream == nil or upstream.status ~= 'stopped' then
        return false
    end
    for _, text in ipairs(PASSING) do
        if (upstream.message or ''):find(text, 1, true) then
            return true
        end
    end
    return false
end

--- Connects again where a full disk or memory has ended the replication.
function M.resume()
    if monotonic() - resumed_at < INTERVAL then
        return
    end
    for _, peer in pairs(box.info.replication) do
        if has_passing_failure(peer) then
            log.warn('kv: the replication has ended (%s): it is resumed', peer.upstream.message)
            local peers = box.cfg.replication
            box.cfg({ replication = {} })
            box.cfg({ replication = peers })
            resumed_at = monotonic()
            return
        end
    end
end

return M
