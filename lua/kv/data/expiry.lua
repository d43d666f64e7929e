--- Collects what has expired: rows of the store, outcomes kept for retries.
-- A fiber of every instance; it works on the one that takes writes, in batches, each a
-- transaction of its own, so that no pile of expired keys holds up a call.
local clock = require('clock')
local fiber = require('fiber')
local log = require('log')

local retries = require('kv.data.idempotency')
local time = require('kv.data.clock')
local writes = require('kv.data.transaction')

local M = {}

--- Rows of a transaction: some milliseconds of the instance's one thread.
local BATCH = 500

--- Seconds between two looks where nothing is known to expire sooner: a new leader may have
-- been set.
local MAX_PAUSE = 1

--- Seconds between two looks at the least.
local MIN_PAUSE = 0.001

--- Seconds in which the log does not repeat itself.
local TELL_INTERVAL = 10

local wake = fiber.cond()
local wakes_at = 0 -- seconds since 1970

--- Collects keys whose time is over.
---@return boolean whether there may be more of them
local function collect_keys(now)
    local keys = writes.collect(function()
        local found = {}
        for _, row in box.space.kv_expiry.index.expires_at:pairs() do
            if row.expires_at > now or #found == BATCH then
                break
            end
            table.insert(found, row.key)
        end
        return found
    end)
    return #keys == BATCH
end

local function pause(now)
    local first = box.space.kv_expiry.index.expires_at:min()
    local left = first ~= nil and first.expires_at - now or MAX_PAUSE
    return math.max(MIN_PAUSE, math.min(left, MAX_PAUSE))
end

--- One look.
---@return number seconds until the next one
local function look()
    time.catch_up()
    if box.info.ro then
        return MAX_PAUSE
    end
    time.keep_on_record()
    local now = time.now()
    local more = collect_keys(now)
    more = retries.collect(now, BATCH) or more
    return more and MIN_PAUSE or pause(time.now())
end

local function run()
    fiber.name('kv.expiry')
    local told_at = -TELL_INTERVAL
    while true do
        local ok, result = pcall(look)
        local seconds = ok and result or MAX_PAUSE
        if not ok and clock.monotonic() - told_at > TELL_INTERVAL then
            log.error('kv: expired keys are not collected: %s', result)
            told_at = clock.monotonic()
        end
        wakes_at = time.now() + seconds
        wake:wait(seconds)
        fiber.testcancel()
    end
end

function M.start()
    fiber.create(run)
end

--- A key that expires has been written.
---@param expires_at number seconds since 1970
function M.expect(expires_at)
    if expires_at < wakes_at then
        wake:signal()
    end
end

return M
