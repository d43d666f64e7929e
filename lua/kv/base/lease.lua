--- The lease of the leader: without it a leader returns nothing that it has read.
--
-- A leader that was paused or cut off may not know yet that another one has been elected and
-- has accepted writes. A majority that confirms a write has heard from this leader after the
-- write began, and elects no other one for 4 times its own `replication_timeout`. So a read is
-- current if the newest confirmed write began less than twice this leader's ago, which is less
-- as long as no node has half of another's. Otherwise it waits for a
-- write that begins after the read: all waiting reads share one. While there are reads, such
-- writes renew the lease before it ends.
--
-- `box.ctl.promote()` on another node does not wait for that time: the node does, before it takes
-- calls (kv.base.promotion).
local fiber = require('fiber')
local monotonic = require('clock').monotonic

local leader = require('kv.base.leader')
local quorum = require('kv.base.quorum')

local M = {}

--- Both in units of `replication_timeout`.
local DURATION, RENEWAL = 2, 1 / 2

local write -- a small write; returns when it is confirmed

-- Renewals have numbers, in the order in which they begin.
local requested, begun, finished, confirmed = 0, 0, 0, 0
local failure -- of the last renewal that was not confirmed

local in_use = false -- since the last check of the renewing fiber
local has_fiber, is_idle = false, false
local wake, completed = fiber.cond(), fiber.cond()

leader.on_resign(function() completed:broadcast() end)

---@param given function commits a small write by quorum.commit
function M.configure(given)
    write = given
end

local function age()
    return monotonic() - quorum.confirmed_at()
end

local function renew()
    begun = begun + 1
    local ok, reason = pcall(write)
    finished = begun
    if ok then
        confirmed = finished
    else
        failure = reason
    end
    completed:broadcast()
end

local function run()
    fiber.name('kv.lease')
    while true do
        local interval = RENEWAL * box.cfg.replication_timeout
        in_use = in_use and leader.leads()
        if requested > begun or (in_use and age() >= interval) then
            in_use = false
            renew()
        end
        is_idle = not in_use
        if requested <= begun then
            wake:wait(not is_idle and interval or nil)
        end
    end
end

local function wake_fiber()
    if not has_fiber then
        has_fiber = true
        fiber.new(run)
    end
    wake:signal()
end

--- Whether the leadership of this term holds: nothing that has been read in it is outdated.
---@param term number|nil as leader.term returned it before the read
---@return boolean
function M.holds(term)
    if not leader.is_clustered() then
        return true
    end
    in_use = true
    if is_idle or not has_fiber then
        wake_fiber()
    end
    return term ~= nil and term == leader.term()
        and age() < DURATION * box.cfg.replication_timeout
end

local function refuse_other_than(term)
    if term == nil or term ~= leader.term() then
        leader.refuse()
    end
end

--- Waits for a confirmed write that begins from now on. Raises kv.NotLeader, and what the write
-- raises.
---@param term number|nil as leader.term returned it before the read
function M.renew(term)
    refuse_other_than(term)
    local number = begun + 1
    requested = number
    wake_fiber()
    while finished < number do
        completed:wait()
        refuse_other_than(term)
    end
    if confirmed < number then
        error(failure, 0)
    end
    leader.check()
end

--- Comes between a read and the return of its result; may wait. Raises kv.NotLeader where the
-- result may be outdated.
---@param term number|nil as leader.term returned it before the read
function M.check(term)
    if not M.holds(term) then
        M.renew(term)
    end
end

local function fail(term, reason)
    local kind = type(reason) == 'cdata' and reason.type or nil
    if kind == 'FiberIsCancelled' then
        leader.refuse() -- the instance is stopping; quorum.commit has another error for writes
    elseif kind ~= 'kv.NotLeader' and kind ~= 'kv.NotConfirmed' then
        M.check(term) -- a refusal depends on what was read, too
    end
    error(reason, 0)
end

local function finish(term, returns_reads, ok, ...)
    if not ok then
        fail(term, (...))
    end
    if returns_reads then
        M.check(term)
    end
    return ...
end

--- A procedure that only the leader executes, and that returns nothing outdated.
---@param procedure function
---@param returns_reads boolean false: it has checked what it returns, or a majority has confirmed
-- it: such a result must not be lost
---@return function
function M.strict(procedure, returns_reads)
    return function(...)
        leader.check()
        return finish(leader.term(), returns_reads, pcall(procedure, ...))
    end
end

return M
