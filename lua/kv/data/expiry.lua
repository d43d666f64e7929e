--- The collector: deletes expired keys, access tokens and idempotency records, and stores the last
-- uses of access tokens.
-- A fiber of every instance, which works on the one that takes writes. It works in batches,
-- each a transaction of its own, so that any number of expired keys delays no call.
local fiber = require('fiber')

local access_tokens = require('kv.accounts.access_tokens')
local change_log = require('kv.data.change_log')
local clock = require('kv.data.clock')
local idempotency = require('kv.data.idempotency')
local leader = require('kv.base.leader')
local peers = require('kv.capacity.peers')
local repeated_messages = require('kv.base.repeated_messages')
local replica = require('kv.data.replica')
local transaction = require('kv.data.transaction')

local M = {}

--- Rows of a transaction: it takes some milliseconds of the instance's one thread.
local BATCH = 500

--- Seconds between two sweeps where no key expires sooner: this instance may have become the
-- leader.
local MAX_PAUSE = 1

--- Seconds between two sweeps at least.
local MIN_PAUSE = 0.001

local wake = fiber.cond()
local wakes_at = 0 -- seconds since 1970
local deleted = 0 -- expired keys
local worker -- the fiber; nil: stopped

---@return boolean more whether there may be more expired keys
local function delete_keys(now)
    local keys = transaction.delete_expired(function()
        local expired = {}
        for _, row in box.space.kv_expiry.index.expires_at:pairs() do
            if row.expires_at > now or #expired == BATCH then
                break
            end
            table.insert(expired, row.key)
        end
        return expired
    end)
    deleted = deleted + #keys
    return #keys == BATCH
end

--- The expired keys that this instance has deleted since its start.
---@return number
function M.deleted()
    return deleted
end

local function pause(now)
    local first = box.space.kv_expiry.index.expires_at:min()
    local next_key = first ~= nil and first.expires_at or math.huge
    local next_token = access_tokens.next_expiry() or math.huge
    return math.max(MIN_PAUSE, math.min(next_key - now, next_token - now, MAX_PAUSE))
end

---@return number seconds until the next sweep
local function sweep()
    if leader.is_clustered() and not leader.leads() then
        clock.follow_leader()
        replica.sample()
        peers.report()
        return replica.SAMPLE_INTERVAL
    end
    clock.catch_up()
    if not leader.leads() then
        return MAX_PAUSE
    end
    if leader.is_clustered() then
        replica.sample()
        peers.subscribe()
        change_log.adapt(peers.least_memory())
    end
    clock.record_periodically()
    local now = clock.now()
    local more = delete_keys(now)
    more = idempotency.delete_expired(now, BATCH) or more
    more = access_tokens.delete_expired(BATCH) or more
    more = access_tokens.save_uses(BATCH) or more
    return more and MIN_PAUSE or pause(clock.now())
end

local function run()
    fiber.name('kv.expiry')
    local failures = repeated_messages.new()
    local own = fiber.self()
    while worker == own do
        local ok, result = pcall(sweep)
        local seconds = ok and result or MAX_PAUSE
        if not ok then
            failures:log('error', 'kv: expired keys are not deleted: %s', tostring(result))
        end
        wakes_at = clock.now() + seconds
        wake:wait(seconds)
        fiber.testcancel()
    end
end

--- Starts the fiber, unless it runs.
function M.start()
    if worker == nil or worker:status() == 'dead' then
        worker = fiber.new(run) -- it begins later
    end
end

--- Ends the fiber after the sweep in progress.
function M.stop()
    worker = nil
    wake:signal()
end

--- Called when a key that expires is written: the next sweep must not be later.
---@param expires_at number seconds since 1970
function M.expect(expires_at)
    if expires_at < wakes_at then
        wake:signal()
    end
end

return M
