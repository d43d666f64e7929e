--- The clock of the store, by which keys expire. It starts at the wall clock's time and then
-- runs monotonically: setting the wall clock neither brings back a key that was reported as
-- missing nor makes every key expire. Nor does a restart with a wrong wall clock: the time at
-- which a key was reported as missing is on record first, and the clock never starts before it.
--
-- In a cluster there is one clock, the leader's. It is recorded more often, the followers set
-- theirs when a record arrives, and the next leader continues it. A record arrives late, and sets
-- the clock of the follower back by as much: so the one that took the least time counts. A new
-- leader records its clock before it accepts calls: the followers continue no older one. A leader
-- that has followed none since its start continues the record, and the wall clocks count only for
-- the time since then: those of the connected nodes, so that a wrong one does no harm.
local clock = require('clock')

local capacity = require('kv.capacity')
local leader = require('kv.base.leader')
local lease = require('kv.base.lease')
local quorum = require('kv.base.quorum')

local M = {}

--- Seconds between two records while some key expires: a restart with the wall clock set back
-- may add as many to the life of a key.
local RECORD_INTERVAL = 10

--- The same in a cluster, where a change of leader delays each expiry by as much at most
-- (docs/cluster.md, tests/torture/judge/tolerance.py).
local CLUSTER_RECORD_INTERVAL = 1

--- Seconds by which the clocks of two machines may differ after a second, at most: a follower's
-- must not be ahead of the leader's, or keys would expire too early.
local DRIFT = 0.001

--- The unit of the record, an integer.
local MICROSECOND = 1e-6

local offset = clock.time() - clock.monotonic()
local followed_term -- of the leader whose record has set this clock last; nil: none has
local followed_at -- monotonic: when it did
local has_led = false -- since the start
local is_watching = false
local recorded = 0 -- seconds since 1970, as they are on disk
local reported = 0 -- seconds since 1970: the latest expiry of a key reported as missing

---@return number seconds since 1970
function M.now()
    return offset + clock.monotonic()
end

local function read_record(name)
    local record = box.space.kv_meta:get(name or 'time')
    return record ~= nil and tonumber(record.value) * MICROSECOND or nil
end

--- Reads the record: at a start, on a replica that of the leader, and at a promotion.
function M.catch_up()
    local time = read_record()
    if time ~= nil then
        recorded = math.max(recorded, time)
        offset = math.max(offset, recorded - clock.monotonic())
    end
end

--- The wall clocks of the connected nodes, in their order. An upstream's lag is the difference
-- between two clocks, because the other node puts its time into each heartbeat.
local function wall_clocks()
    local now = clock.time()
    local times = { now }
    for id, peer in pairs(box.info.replication) do
        if id ~= box.info.id and leader.is_connected(peer) then
            table.insert(times, now - peer.upstream.lag)
        end
    end
    table.sort(times)
    return times
end

--- The middle one; of two the earlier one at a start, and the later one in a record. So the time
-- between the two is too short rather than too long: no key expires too early.
local function wall_clock_at_start()
    local times = wall_clocks()
    return times[math.ceil(#times / 2)]
end

local function wall_clock_in_record()
    local times = wall_clocks()
    return times[math.floor(#times / 2) + 1]
end

--- Sets the clock of an instance that begins to lead.
function M.lead()
    if leader.is_clustered() and followed_term == nil and not has_led then
        local time, wall_clock = wall_clock_at_start(), read_record('wall_clock')
        if wall_clock ~= nil then
            time = read_record() + math.max(0, time - wall_clock)
        end
        offset = time - clock.monotonic()
    end
    has_led = true
    M.catch_up()
end

local function set_by_record(time)
    local term, now = box.info.synchro.queue.term, clock.monotonic()
    local least = -math.huge
    if term == followed_term then
        least = offset - DRIFT * (now - followed_at)
    end
    recorded = time
    offset = math.max(time - now, least)
    followed_term, followed_at = term, now
end

--- Sets the clock of a node that has been started under a leader by the record that is there: it
-- may be the next leader before there is another one, and its wall clock must not count.
function M.follow_leader()
    local name = leader.name()
    if followed_term == nil and name ~= nil and name ~= box.info.name then
        local time = read_record()
        if time ~= nil then
            set_by_record(time)
        end
    end
end

local function note_record(_, new)
    if new == nil or new[1] ~= 'time' or box.session.type() ~= 'applier' then
        return
    end
    local time = tonumber(new[2]) * MICROSECOND
    if followed_term ~= nil or leader.name() ~= nil then
        set_by_record(time)
    else -- from the log of another node that has been started, too: it may be of long ago
        recorded = math.max(recorded, time)
        offset = math.max(offset, time - clock.monotonic())
    end
end

--- Begins to watch the records of the leader. Called again, it changes nothing.
function M.watch()
    if leader.is_clustered() and not is_watching then
        is_watching = true
        box.space.kv_meta:on_replace(note_record)
    end
end

local function write(name, seconds)
    box.space.kv_meta:replace({ name, math.ceil(seconds / MICROSECOND) })
end

local function write_record(now)
    if leader.is_clustered() then
        write('wall_clock', wall_clock_in_record())
    end
    write('time', now)
end

local function ignore() end

--- Records the time. In a cluster it is also the write that renews the lease: it returns when
-- a majority has confirmed it, and gets memory when there is none for additions.
function M.record()
    local now
    if leader.is_clustered() then
        capacity.with_reserve(function()
            now = M.now()
            quorum.commit(ignore, write_record, now)
        end)
    else
        now = M.now()
        write_record(now)
    end
    recorded = math.max(recorded, now)
end

lease.configure(M.record)

--- Records the time at intervals, on the instance that takes writes. Where the write fails,
-- the next call tries again.
function M.record_periodically()
    local interval = leader.is_clustered() and CLUSTER_RECORD_INTERVAL or RECORD_INTERVAL
    if M.now() - recorded > interval and box.space.kv_expiry:len() > 0 then
        pcall(M.record)
    end
end

--- Records the time with a key that expires, inside the transaction of its write: the next
-- leader must not meet the key without the clock by which it expires.
function M.record_with_write()
    if leader.is_clustered() and M.now() - recorded > CLUSTER_RECORD_INTERVAL then
        write_record(M.now())
    end
end

--- Notes that a result leaves out an expired key. `settle` comes before the result is returned.
---@param expires_at number seconds since 1970
function M.note_missing(expires_at)
    reported = math.max(reported, expires_at)
end

--- Records the time, where it is needed, before a result is returned: a key that it reports as
-- missing stays so after any restart. A single instance that cannot write, on a full disk or as
-- a replica, returns its results nevertheless. In a cluster the record is confirmed first: one
-- for all results that wait. Raises there what `lease.renew` raises.
function M.settle()
    if reported <= recorded then
        return
    end
    if leader.is_clustered() then
        lease.renew(leader.term())
    elseif not box.info.ro then
        pcall(M.record)
    end
end

return M
