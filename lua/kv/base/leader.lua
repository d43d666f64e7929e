--- Who leads the cluster, and whether this node may answer.
--
-- Tarantool elects a leader and makes it writable some milliseconds before its duties are done
-- (see kv.leadership). So a node leads only while the term of the completed duties is the term
-- of the queue of synchronous transactions, which its leadership began with. A single instance
-- leads unless it is read-only.
local errors = require('kv.base.errors')

local M = {}

--- A peer is lost after this many times `replication_timeout` without a message: as many as
-- Tarantool waits before it closes the connection.
local LOST_AFTER = 4

local clustered = false
local prepared = false
local completed_term = nil -- of the duties; nil: they have to be done again
local resigned_term = nil -- in which the node steps down
local listeners = {}

---@param settings table {clustered = whether instances elect a leader}
function M.configure(settings)
    clustered = settings.clustered
end

function M.is_clustered()
    return clustered
end

--- The migrations have arrived: the node can answer reads.
---@param is_prepared boolean
function M.set_prepared(is_prepared)
    prepared = is_prepared
end

--- The node accepts no calls until `complete` is called again.
function M.resign()
    local term = completed_term
    completed_term = nil
    for _, listener in ipairs(listeners) do
        listener(term)
    end
end

--- The duties of this term are completed: the node accepts calls.
---@param term number of the queue of synchronous transactions
function M.complete(term)
    if completed_term ~= nil and completed_term ~= term then
        M.resign() -- another node may have led in between
    end
    completed_term = term
end

---@param listener function called when the node resigns, with the term of the duties that had
-- been completed, or nil; must not yield
function M.on_resign(listener)
    table.insert(listeners, listener)
end

--- The term of the completed duties; nil after `resign`, and on a single instance.
---@return number|nil
function M.term()
    return completed_term
end

--- Gives the leadership to another node. The node accepts no calls in this term from now on.
---@param await_writes function returns when no write is in flight
function M.step_down(await_writes)
    local term = completed_term
    resigned_term = term
    local ok, failure = pcall(function()
        await_writes()
        box.ctl.demote()
    end)
    if not ok then
        resigned_term = nil
        error(failure, 0)
    end
end

---@return boolean
function M.leads()
    if box.info.ro then
        return false
    end
    return not clustered or completed_term ~= nil and completed_term ~= resigned_term
        and completed_term == box.info.synchro.queue.term
end

--- The name of the leader's instance; nil where none is known, and on a single instance.
---@return string|nil
function M.name()
    return clustered and box.info.election.leader_name or nil
end

--- Raises kv.NotLeader, which names the leader where another node leads.
function M.refuse()
    local name = M.name()
    if name == nil then
        errors.raise('NotLeader', 'none is elected')
    elseif name == box.info.name then
        errors.raise('NotLeader', 'its leadership has just begun or ended')
    end
    errors.raise('NotLeader', 'the leader is ' .. name)
end

--- Raises kv.NotLeader on a node of a cluster that does not lead.
function M.check()
    if clustered and not M.leads() then
        M.refuse()
    end
end

--- Raises kv.NotLeader on a node whose leader has not applied the node's migrations yet.
function M.check_prepared()
    if not prepared then
        errors.raise('NotLeader', 'it waits for the migrations of the leader')
    end
end

--- Whether a peer has been heard from recently.
---@param peer table an entry of box.info.replication
---@return boolean
function M.is_connected(peer)
    local upstream = peer.upstream
    return upstream ~= nil and (upstream.status == 'follow' or upstream.status == 'sync')
        and upstream.idle < LOST_AFTER * box.cfg.replication_timeout
end

--- The number of nodes that are connected: this one, and the peers that it hears from.
---@return number
function M.connected_nodes()
    local count = 1
    for id, peer in pairs(box.info.replication) do
        if id ~= box.info.id and M.is_connected(peer) then
            count = count + 1
        end
    end
    return count
end

--- Whether this node sees a majority of its cluster; true on a single instance.
---@return boolean
function M.sees_majority()
    return not clustered or M.connected_nodes() >= box.info.synchro.quorum
end

--- The state of this node, as kv.v1.status returns it, which adds the age of its data.
---@return table
function M.status()
    local meta = box.space.kv_meta
    local newest = meta ~= nil and meta:get('revision') or nil
    return {
        read_only = box.info.ro,
        leads = M.leads(),
        leader = M.name() or box.NULL,
        term = clustered and box.info.election.term or 0,
        quorum = M.sees_majority(),
        newest = newest ~= nil and newest.value or box.NULL,
        version = box.info.version,
        name = box.info.name or box.NULL,
    }
end

return M
