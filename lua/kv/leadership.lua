--- The duties of the instance that takes writes, done once each time it begins to, before it
-- accepts calls. In a cluster that is the elected leader.
--
-- A follower prepares itself when the migrations arrive from its leader. An instance that becomes
-- writable does its duties; then `leader.complete` opens it for calls in this term. A new term
-- closes it by itself. Duties that fail are tried again; a node of a cluster that cannot do them
-- steps down, so that another one can lead.
local fiber = require('fiber')
local log = require('log')
local monotonic = require('clock').monotonic

local compat = require('kv.base.compat')
local exports = require('kv.exports')
local join_gate = require('kv.base.join_gate')
local leader = require('kv.base.leader')
local migrator = require('kv.migrator')
local promotion = require('kv.base.promotion')
local restore_epoch = require('kv.backup.restore_epoch')
local upstream = require('kv.base.upstream')

local M = {}

--- Seconds between two checks for the migrations of the leader.
local PREPARE_INTERVAL = 0.1

--- Seconds between two checks where no change was reported: only a precaution, but not on 2.x,
-- which reports none.
local CHECK_INTERVAL = 1

--- Seconds to the next attempt of duties that have failed, and the attempts of a term.
local RETRY_INTERVAL = 0.5
local MAX_ATTEMPTS = 5

--- Seconds that the first leader waits for the other nodes to join, before it creates the schema.
local JOIN_TIMEOUT = 30

---@class Duties
---@field migrations table as `migrator.read` returned them
---@field user string the service's account
---@field password string
---@field prepare fun() once, on every node, when the migrations are applied
---@field lead fun() at each beginning of leadership, when the schema is in place

local duties = nil
local run_number = 0 -- of the fiber that works; another one ends
local is_running = false
local is_prepared = false
local is_outdated = false -- the settings have changed
local changed = fiber.cond()
local watchers = {}
local join_deadline -- monotonic; nil: this node has not led a new cluster
local reported -- who led when it was last logged
local refusal -- why the migrations of the leader were last refused

--- The spaces that followers have, too. Their writes are confirmed by a majority.
local function replicated_spaces()
    local found = {}
    for _, row in box.space._space:pairs(box.schema.SYSTEM_ID_MAX, { iterator = 'GT' }) do
        local space = box.space[row.id]
        if not (space.temporary or space.is_local) then
            table.insert(found, space)
        end
    end
    return found
end

--- Makes the replicated spaces synchronous or not; writes nothing where they are.
---@param is_sync boolean
function M.set_synchronous(is_sync)
    for _, space in ipairs(replicated_spaces()) do
        if (space.is_sync or false) ~= is_sync then
            space:alter({ is_sync = is_sync })
        end
    end
end

--- Makes the schema synchronous, except while the nodes of a new cluster join: the entry of one
-- node would wait for the confirmation of another, which joins as well and does not confirm
-- anything before it has all entries on disk. It would end after `replication_synchro_timeout`.
local function choose_synchronous_schema()
    if leader.is_clustered() and box.space.migrations ~= nil then
        compat.set_synchronous_schema(true)
    end
end

local function prepare()
    if not is_prepared then
        choose_synchronous_schema()
        duties.prepare()
        is_prepared = true
        leader.set_prepared(true)
    end
end

--- Whether every configured peer has joined. This node hears from one only after that.
local function have_peers_joined()
    local configured = box.cfg.replication
    return type(configured) ~= 'table' or leader.connected_nodes() >= #configured
end

local function wait_for_peers()
    if join_deadline == nil then
        join_deadline = monotonic() + JOIN_TIMEOUT -- also of later terms
        log.info('kv: a new cluster: waiting up to %d s for the other nodes to join', JOIN_TIMEOUT)
    end
    while not have_peers_joined() do
        if monotonic() > join_deadline then
            log.warn('kv: not all nodes have joined after %d s: creating the schema', JOIN_TIMEOUT)
            return
        end
        fiber.sleep(PREPARE_INTERVAL)
        if box.info.ro then
            error('the node does not lead any more', 0)
        end
    end
end

--- Everything that has to be in place before a call is accepted. Where all of it is, only the
-- clock of a cluster is written.
local function do_duties()
    if leader.is_clustered() and box.space.migrations == nil then
        wait_for_peers()
        compat.set_synchronous_schema(true)
    end
    migrator.apply(duties.migrations)
    M.set_synchronous(leader.is_clustered())
    restore_epoch.apply()
    exports.deploy(duties.user, duties.password)
    prepare()
    duties.lead()
    promotion.await_lease()
end

--- Does the duties, for an instance that has just been started and takes writes.
function M.lead_alone(given)
    duties = given
    do_duties()
end

local function term()
    return leader.is_clustered() and box.info.synchro.queue.term or 0
end

---@return boolean done
local function lead(current_term)
    local begin = monotonic()
    for attempt = 1, MAX_ATTEMPTS do
        is_outdated = false
        local ok, failure = pcall(do_duties)
        if box.info.ro or not is_running or term() ~= current_term then
            return false
        end
        if ok then
            leader.complete(current_term)
            log.info('kv: this node leads, term %s: its duties took %.3f s',
                current_term, monotonic() - begin)
            return true
        end
        log.error('kv: the duties of the leader failed, attempt %d: %s', attempt, failure)
        fiber.sleep(RETRY_INTERVAL)
    end
    if leader.is_clustered() then
        log.error('kv: the node steps down: it cannot do the duties of the leader')
        pcall(box.ctl.demote)
    end
    return false
end

local function report()
    local name = leader.name()
    if leader.is_clustered() and name ~= reported then
        reported = name
        log.info('kv: %s', name and name .. ' is the leader' or 'no leader is elected')
    end
end

local function follow()
    if leader.term() ~= nil then
        leader.resign()
    end
    if not is_prepared then
        local ok, is_complete = pcall(migrator.is_complete, duties.migrations)
        if ok and is_complete then
            prepare()
        elseif not ok and is_complete ~= refusal then
            refusal = is_complete
            log.error('kv: the node cannot use the data of its leader: %s', refusal)
        end
    end
end

local function run(number)
    fiber.name('kv.leadership')
    compat.lift_slice_limit() -- migrations and a restore touch every account in one transaction
    local done_term -- of the duties
    while is_running and run_number == number do
        report()
        if leader.is_clustered() then
            join_gate.resume_replication()
        end
        upstream.resume()
        if box.info.ro then
            done_term = nil
            follow()
        elseif is_outdated or done_term ~= term() then
            local current_term = term()
            done_term = lead(current_term) and current_term or nil
        end
        changed:wait(is_prepared and CHECK_INTERVAL or PREPARE_INTERVAL)
    end
end

--- Follows the state of the instance, and does the duties when it begins to take writes.
-- Called again, it does them with other settings. Raises a sentence where a migration was applied
-- that is unknown here.
---@param given Duties
function M.start(given)
    migrator.is_complete(given.migrations)
    duties, is_outdated = given, true
    choose_synchronous_schema()
    if is_running then
        changed:signal()
        return
    end
    is_running, run_number = true, run_number + 1
    if box.watch ~= nil then
        for _, key in ipairs({ 'box.status', 'box.election' }) do
            table.insert(watchers, box.watch(key, function() changed:signal() end))
        end
    end
    if box.info.ro then
        follow()
    end
    fiber.create(run, run_number)
end

--- Ends what `start` began: the node accepts no calls.
function M.stop()
    is_running, is_prepared = false, false
    leader.resign()
    leader.set_prepared(false)
    for _, watcher in ipairs(watchers) do
        watcher:unregister()
    end
    watchers = {}
    changed:signal()
end

return M
