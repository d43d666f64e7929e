--- Tarantool's own statistics of replication and elections, with the names of its rock `metrics`.
-- Tarantool 2.6.0 has no elections.
local M = {}

local ELECTION_STATES = { follower = 0, candidate = 1, leader = 2 }

--- What is missing in a table that may be missing itself.
local function member(source, name)
    return source ~= nil and source[name] or nil
end

local function add_stream(found, id, stream, peer)
    if peer == nil then
        return
    end
    local labels = { stream = stream, id = tostring(id) }
    if peer.lag ~= nil then
        table.insert(found.tnt_replication_lag, { labels, peer.lag })
    end
    table.insert(found.tnt_replication_status, { labels, peer.status == 'follow' and 1 or 0 })
end

--- The numbers of log entries that a node is behind: this one, where it is read-only; otherwise
-- each of the others.
local function add_distance(found, id, peer)
    local own, behind = box.info
    if own.ro then
        local received = own.vclock[id]
        behind = received ~= nil and peer.lsn - received or nil
    else
        local received = member(member(peer.downstream, 'vclock'), own.id)
        behind = received ~= nil and own.lsn - received or nil
    end
    if behind ~= nil then
        local labels = { type = own.ro and 'replica' or 'master', id = tostring(id) }
        table.insert(found.tnt_replication_lsn, { labels, tonumber(behind) })
    end
end

local function add_peers(found)
    for _, name in ipairs({ 'lag', 'status', 'lsn' }) do
        found['tnt_replication_' .. name] = {}
    end
    for id, peer in pairs(box.info.replication) do
        if id ~= box.info.id then
            add_stream(found, id, 'upstream', peer.upstream)
            add_stream(found, id, 'downstream', peer.downstream)
        end
        add_distance(found, id, peer)
    end
end

local function add_election(found)
    local election, queue = box.info.election, member(box.info.synchro, 'queue')
    if election ~= nil then
        found.tnt_election_state = ELECTION_STATES[election.state]
        found.tnt_election_vote = election.vote
        found.tnt_election_leader = election.leader
        found.tnt_election_term = election.term
        found.tnt_election_leader_idle = election.leader_idle
    end
    if queue ~= nil then
        found.tnt_synchro_queue_owner = queue.owner
        found.tnt_synchro_queue_term = queue.term
        found.tnt_synchro_queue_len = queue.len
        found.tnt_synchro_queue_busy = queue.busy and 1 or 0
    end
end

---@param found table metrics, see kv.metrics
function M.add(found)
    found.tnt_info_lsn = tonumber(box.info.lsn)
    found.tnt_info_vclock = {}
    for id, lsn in pairs(box.info.vclock) do
        table.insert(found.tnt_info_vclock, { { id = tostring(id) }, tonumber(lsn) })
    end
    add_peers(found)
    add_election(found)
end

return M
