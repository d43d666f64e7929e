--- Lets nodes join a cluster that is in use.
--
-- The leader holds calls back for the moment in which another node joins.
-- The leader registers a node in the space _cluster and sends it everything up to the moment
-- after that. The node ends if some of it is not confirmed by then: it hears of confirmations
-- only later. While writes come without a break some always are in flight. So no new ones begin
-- from the registration until shortly after its confirmation, which follows that of older writes.
--
-- An empty node with the name of a known one takes its place. A follower that has not noticed yet
-- that the old one is gone cannot repeat that, and replicates no more, until it is made to.
local fiber = require('fiber')
local log = require('log')
local monotonic = require('clock').monotonic

local upstream = require('kv.base.upstream')

local M = {}

--- Seconds from the confirmation: Tarantool notes the moment when the fiber that serves the join
-- runs again.
local SETTLE = 0.01

--- Seconds for a registration: without a majority it would take until the next election.
local MAX_HOLD = 1

--- What an upstream says that could not repeat the replacement of a node.
local NOT_REPLACED = 'UUID update when the old replica is still here'

local held_until = nil -- monotonic; nil: no node joins
local opened = fiber.cond()

local function open()
    held_until = nil
    opened:broadcast()
end

local function open_soon()
    fiber.create(function()
        fiber.sleep(SETTLE)
        open()
    end)
end

local function note_registration(_, new)
    if not box.info.ro and new ~= nil then -- a follower only repeats it
        held_until = monotonic() + MAX_HOLD
        box.on_commit(open_soon)
        box.on_rollback(open_soon)
    end
end

local is_watching = false

--- Begins to watch the registrations. Called again, it changes nothing.
function M.watch()
    if not is_watching then
        box.space._cluster:on_replace(note_registration)
        is_watching = true
    end
end

--- Comes before the first step of a call that may write; may wait.
function M.wait()
    while held_until ~= nil do
        local left = held_until - monotonic()
        if left <= 0 then
            return open()
        end
        opened:wait(left)
    end
end

--- Lets this node replicate again where the replacement of another one has stopped it.
function M.resume_replication()
    local stopped = upstream.find_stopped({ NOT_REPLACED })
    if stopped ~= nil then
        log.warn('kv: a node has been replaced while this one still knew the old one: '
            .. 'starting the replication again')
        upstream.reconnect(stopped.peer)
    end
end

return M
