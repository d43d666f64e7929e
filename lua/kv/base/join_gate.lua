--- What the leader does when another node joins the cluster.
--
-- It holds calls back for that moment.
-- The leader registers a node in the space _cluster and sends it everything up to the moment
-- after that. The node ends if some of it is not confirmed by then: it hears of confirmations
-- only later. While writes come without a break some always are in flight. So no new ones begin
-- from the registration until shortly after its confirmation, which follows that of older writes.
--
-- An empty node with the name of a known one is not registered in its place: a follower that has
-- not noticed yet that the old one is gone could not repeat that, and would replicate no more.
-- The leader removes the old one; the next start of the empty node succeeds.
local fiber = require('fiber')
local log = require('log')
local monotonic = require('clock').monotonic

local M = {}

--- Seconds from the confirmation: Tarantool notes the moment when the fiber that serves the join
-- runs again.
local SETTLE = 0.01

--- Seconds for a registration: without a majority it would take until the next election.
local MAX_HOLD = 1

--- Fields of the space _cluster.
local ID, UUID, NAME = 1, 2, 3

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

local function remove(id, name)
    log.info('kv: %s has lost its data: it is removed from the cluster, to join again', name)
    local ok, failure = pcall(box.space._cluster.delete, box.space._cluster, id)
    if not ok then
        log.error('kv: %s could not be removed: %s', name, failure)
    end
end

local function refuse_another(old, new)
    if box.info.ro or old == nil or new == nil or old[UUID] == new[UUID] then
        return new
    end
    fiber.create(remove, old[ID], new[NAME])
    box.error(box.error.INSTANCE_NAME_DUPLICATE, new[NAME], tostring(old[UUID]))
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
        -- not by on_replace: Tarantool would have registered the node by then
        box.space._cluster:before_replace(refuse_another)
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

return M
