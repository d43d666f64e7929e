--- What a node of a cluster knows of its own data: what of it is confirmed, and how old it may
-- be. Stale reads need both.
--
-- A follower shows a write as soon as it has received it, and learns later that a majority has
-- it. Until then the write is in the queue of synchronous transactions, in the order of the
-- writes. What was read is confirmed once everything that was in the queue at that moment has
-- left it. Only another term of the queue, or a failed write to the follower's own log, takes
-- writes back.
local fiber = require('fiber')

local change_log = require('kv.data.change_log')
local errors = require('kv.base.errors')
local leader = require('kv.base.leader')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- Seconds between two calls of `sample`: an age is too high by as much at most.
M.SAMPLE_INTERVAL = 0.1

--- Seconds between two checks of the queue while a read waits for it.
local POLL_INTERVAL = 0.001

--- Seconds that a read waits for the queue at most: as long as an election takes.
local MAX_WAIT = 2

--- Seconds between two checks for a majority while a read waits: such a check takes longer.
local MAJORITY_INTERVAL = 0.1

--- Seconds, more than a rounding error of the queue's age.
local RESOLUTION = 1e-6

--- Batches of the change log that are searched for a key: more of them are waited for.
local MAX_PENDING_BATCHES = 100

local sampled_at = -math.huge -- fiber.clock()
local confirmed = 0 -- a revision: all up to it are confirmed
local fresh_at -- fiber.clock(): this node had all that was confirmed then; nil: never yet

-- {at, revision} of earlier moments, which are not known to be confirmed.
local samples, samples_term = {}, nil

---@class Moment
---@field at number fiber.clock() of it
---@field term number of the queue
---@field revision number of the store
---@field confirmed number a revision

--- When the oldest transaction of the queue was added to it, or the present.
local function completed_before(queue)
    local now = fiber.clock()
    return queue.len == 0 and now + 2 * RESOLUTION or now - queue.age
end

local function note_confirmed(queue)
    if queue.term ~= samples_term then
        samples, samples_term = {}, queue.term -- some of them may have been taken back
    end
    local before = completed_before(queue)
    while samples[1] ~= nil and samples[1].at + RESOLUTION < before do
        confirmed = math.max(confirmed, samples[1].revision)
        table.remove(samples, 1)
    end
end

local function note_revision(queue)
    note_confirmed(queue)
    local revision = store.revision()
    local last = samples[#samples]
    if last == nil and revision > confirmed or last ~= nil and revision ~= last.revision then
        table.insert(samples, { at = fiber.clock(), revision = revision })
    end
end

--- Seconds since a majority of the nodes, this one among them, has been heard from.
local function majority_idle()
    local idle = {}
    for _, peer in pairs(box.info.replication) do
        local downstream = peer.downstream
        if downstream ~= nil and downstream.status == 'follow' then
            table.insert(idle, downstream.idle)
        end
    end
    table.sort(idle)
    local needed = box.info.synchro.quorum - 1
    return needed == 0 and 0 or idle[needed]
end

--- Seconds since the leader has been heard from; nil where none is known, or this node has not
-- caught up with it.
local function leader_idle()
    local peer = box.info.replication[box.info.election.leader]
    local upstream = peer ~= nil and peer.upstream or nil
    if upstream ~= nil and upstream.status == 'follow' then
        return upstream.idle
    end
    return nil
end

--- Notes what is known now, unless it has been done just before. Called on every node of a
-- cluster.
function M.sample()
    local now = fiber.clock()
    if now - sampled_at < M.SAMPLE_INTERVAL / 2 then
        return
    end
    sampled_at = now
    note_revision(box.info.synchro.queue)
    local idle = leader_idle()
    if leader.leads() then
        idle = majority_idle()
    end
    if idle ~= nil then
        fresh_at = math.max(fresh_at or 0, now - idle)
    end
end

--- Seconds since this node had every write that had been confirmed; nil: it has heard from no
-- leader since its start.
---@return number|nil
function M.age()
    return fresh_at ~= nil and math.max(0, fiber.clock() - fresh_at) or nil
end

--- The present, before a read that does not yield.
---@return Moment
function M.moment()
    local queue = box.info.synchro.queue
    note_revision(queue)
    local revision = store.revision()
    if queue.len == 0 then
        confirmed = math.max(confirmed, revision)
    end
    return { at = fiber.clock(), term = queue.term, revision = revision, confirmed = confirmed }
end

--- The batches of changes that may not be confirmed at a moment.
---@param moment Moment
---@return table|nil batches nil: there are too many, or there is no change log
local function pending_batches(moment)
    if not change_log.is_enabled() or change_log.oldest() > moment.confirmed
            or moment.revision - moment.confirmed > MAX_PENDING_BATCHES then
        return nil
    end
    return change_log.batches(moment.confirmed)
end

--- Whether changes that are not confirmed may concern some key. It comes right after `moment`.
---@param moment Moment
---@param concerns function(string) boolean
---@return boolean
function M.is_pending(moment, concerns)
    if moment.revision <= moment.confirmed then
        return false
    end
    local batches = pending_batches(moment)
    if batches == nil then
        return true
    end
    for _, batch in ipairs(batches) do
        for _, key in ipairs(batch.keys) do
            if concerns(key) then
                return true
            end
        end
    end
    return false
end

local waiting, is_polling, polled = 0, false, fiber.cond()
local polled_term, polled_before -- of the queue
local majority_checked_at, sees_majority = -math.huge, nil

local function check_majority()
    local now = fiber.clock()
    if now - majority_checked_at >= MAJORITY_INTERVAL then
        majority_checked_at, sees_majority = now, leader.sees_majority()
    end
end

local function poll()
    fiber.name('kv.replica')
    while waiting > 0 do
        local queue = box.info.synchro.queue
        note_confirmed(queue)
        polled_term, polled_before = queue.term, completed_before(queue)
        check_majority()
        polled:broadcast()
        fiber.sleep(POLL_INTERVAL)
    end
    is_polling = false
end

local function wait_for_poll(seconds)
    waiting = waiting + 1
    if not is_polling then
        is_polling = true
        fiber.create(poll)
    end
    local ok, failure = pcall(polled.wait, polled, seconds)
    waiting = waiting - 1
    if not ok then
        error(failure, 0)
    end
end

--- Waits until all that this node had at a moment is confirmed. Raises kv.NotConfirmed when
-- that takes too long, and at once where this node sees no majority that could confirm it.
---@param moment Moment
---@return boolean confirmed false: some of it was rolled back, read again
function M.await(moment)
    local deadline, is_polled = moment.at + MAX_WAIT, false
    repeat
        local left = deadline - fiber.clock()
        if left <= 0 or is_polled and not sees_majority then
            errors.raise('NotConfirmed')
        end
        wait_for_poll(left)
        is_polled = true
    until polled_term ~= moment.term or polled_before > moment.at + RESOLUTION
    if polled_term ~= moment.term or store.revision() < moment.revision then
        return false
    end
    confirmed = math.max(confirmed, moment.revision)
    return true
end

--- Where this node has led until now, it knows exactly what is confirmed.
local function note_resignation(term)
    if term ~= nil and term == box.info.synchro.queue.term then
        confirmed = math.max(confirmed, transaction.newest_on_disk())
    end
end

leader.on_resign(note_resignation)

return M
