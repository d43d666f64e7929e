--- The clock of the store, by which keys expire. It starts at the wall clock's time and then
-- runs monotonically: setting the wall clock neither brings back a key that was reported as
-- missing nor makes every key expire. Nor does a restart with a wrong wall clock: the time at
-- which a key was reported as missing is on record first, and the clock never starts before it.
local clock = require('clock')

local M = {}

--- Seconds between two records while some key expires: a restart with the wall clock set back
-- may add as many to the life of a key.
local RECORD_INTERVAL = 10

--- The unit of the record, an integer.
local MICROSECOND = 1e-6

local offset = clock.time() - clock.monotonic()
local recorded = 0 -- seconds since 1970, as they are on disk
local reported = 0 -- seconds since 1970: the latest expiry of a key reported as missing

---@return number seconds since 1970
function M.now()
    return offset + clock.monotonic()
end

--- Reads the record: at a start, and on a replica that of the leader.
function M.catch_up()
    local record = box.space.kv_meta:get('time')
    if record ~= nil then
        recorded = math.max(recorded, tonumber(record.value) * MICROSECOND)
        offset = math.max(offset, recorded - clock.monotonic())
    end
end

local function record()
    local now = M.now()
    box.space.kv_meta:replace({ 'time', math.ceil(now / MICROSECOND) })
    recorded = math.max(recorded, now)
end

--- Records the time at intervals, on the instance that takes writes. Where the write fails,
-- the next call tries again.
function M.record_periodically()
    if M.now() - recorded > RECORD_INTERVAL and box.space.kv_expiry:len() > 0 then
        pcall(record)
    end
end

--- Notes that a result leaves out an expired key. `settle` comes before the result is returned.
---@param expires_at number seconds since 1970
function M.note_missing(expires_at)
    reported = math.max(reported, expires_at)
end

--- Records the time, where it is needed, before a result is returned: a key that it reports as
-- missing stays so after any restart. An instance that cannot write, on a full disk or as a
-- replica, returns its results nevertheless.
function M.settle()
    if reported > recorded and not box.info.ro then
        pcall(record)
    end
end

return M
