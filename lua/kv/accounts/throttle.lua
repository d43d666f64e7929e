--- Rate limits of logins and of sign-ups.
--
-- Every login counts as failed from the moment it begins, so that concurrent guesses do not
-- all pass; one that succeeds is taken back when it ends. Two limits refuse a login:
--
-- * of a name from an address: some failures are free, then each doubles the wait. The owner
--   who comes from another address has another count: nobody can lock an account;
-- * of an address, whatever the names: a leaky bucket of failures.
--
-- A name without an account is counted like any other. A refused login changes nothing.
--
-- The counts are in Lua's own memory, shared by all workers: they cost no disk write, and work
-- when the disk, or the memory for data, is full. A restart forgets them, and a new leader
-- begins with none: no client can cause either.
local clock = require('clock')

local lru = require('kv.base.lru')

local M = {}

--- Failures of a name from an address without a wait: typing errors, and right passwords that
-- the workers are still checking, for many programs that start at once.
local FREE = 10

--- Seconds to wait after the last free failure; each further failure doubles them, up to the
-- longest wait: then an address has 12 guesses an hour at one name.
local FIRST_WAIT, LONGEST_WAIT = 1, 300

--- Seconds after the end of a wait until the failures are forgotten: longer than the longest
-- wait, or it would pay to wait for that.
local FORGET = 3600

--- A leaky bucket: its size, and the seconds in which one leaks. An office behind one address
-- mistypes less, and an attacker who tries one password on many names gets 720 names an hour.
local FAILURES = { burst = 200, interval = 5 }

--- Larger: a school class may sign up at once, and each sign-up costs as much as a login.
local SIGN_UPS = { burst = 1000, interval = 1 }

--- Entries of a generation; two generations take 40 MB with the longest names. Only an admitted
-- login makes an entry, and costs a hash of a password: an attacker needs this many hashes, from
-- hundreds of addresses, to evict one.
local ENTRIES = 32768

local attempts = lru.new(ENTRIES) -- {failures, free_at} by address and name
local failures = lru.new(ENTRIES) -- by address: the time at which the bucket is empty
local sign_ups = lru.new(ENTRIES)

--- Seconds until the bucket has space for one more; 0 or less: it has.
local function wait_for_bucket(bucket, address, rate, now)
    local empty_at = math.max(bucket:get(address) or 0, now)
    return empty_at - now - (rate.burst - 1) * rate.interval
end

local function fill(bucket, address, rate, now)
    bucket:put(address, math.max(bucket:get(address) or 0, now) + rate.interval)
end

local function wait_after(count)
    if count < FREE then
        return 0
    end
    return math.min(FIRST_WAIT * 2 ^ (count - FREE), LONGEST_WAIT)
end

local function attempts_key(username, address)
    return address .. ' ' .. username -- an address has no space
end

local function attempt_of(key, now)
    local attempt = attempts:get(key)
    if attempt == nil or attempt.free_at + FORGET < now then
        return { failures = 0, free_at = now }
    end
    return attempt
end

--- Counts a login as failed, unless it is refused.
---@param username string
---@param address string of the client, without spaces
---@return number|nil wait seconds to wait; nil: not refused
function M.begin_login(username, address)
    local now = clock.monotonic()
    local key = attempts_key(username, address)
    local attempt = attempt_of(key, now)
    local wait = math.max(
        attempt.free_at - now,
        wait_for_bucket(failures, address, FAILURES, now)
    )
    if wait > 0 then
        return wait
    end
    fill(failures, address, FAILURES, now)
    local count = attempt.failures + 1
    attempts:put(key, { failures = count, free_at = now + wait_after(count) })
    return nil
end

--- Takes back the count of a login.
---@param username string
---@param address string
---@param succeeded boolean true: all failures of the name are forgotten; false: the password
-- was not checked
function M.end_login(username, address, succeeded)
    local now = clock.monotonic()
    local empty_at = failures:get(address)
    if empty_at ~= nil then
        failures:put(address, empty_at - FAILURES.interval)
    end
    local key = attempts_key(username, address)
    local count = succeeded and 0 or math.max(0, attempt_of(key, now).failures - 1)
    attempts:put(key, { failures = count, free_at = now })
end

--- Counts a sign-up, unless it is refused.
---@param address string
---@return number|nil wait as in begin_login
function M.begin_sign_up(address)
    local now = clock.monotonic()
    local wait = wait_for_bucket(sign_ups, address, SIGN_UPS, now)
    if wait > 0 then
        return wait
    end
    fill(sign_ups, address, SIGN_UPS, now)
    return nil
end

return M
