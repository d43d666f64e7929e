--- The store's time: what decides that a key has expired. It begins at the wall clock's and
-- goes on as a clock does that nobody sets: no step of the wall clock brings back what was
-- told as gone, or makes everything expire. Nor does a restart, with whatever clock: what is
-- told as gone is on record first, and the time never begins before what is on record.
local clock = require('clock')

local M = {}

--- Seconds between two records while there is something that expires: what a restart with a
-- clock set back may add to the life of a key.
local RECORD_INTERVAL = 10

--- The record counts whole ones.
local MICROSECOND = 1e-6

local offset = clock.time() - clock.monotonic()
local recorded = 0 -- seconds since 1970, as the disk has it
local told = 0 -- when the last one expired that an answer leaves out

---@return number seconds since 1970
function M.now()
    return offset + clock.monotonic()
end

--- Takes note of what is on record, a leader's on a replica.
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

--- Now and then, by who takes the writes; where the log takes nothing, later.
function M.keep_on_record()
    if M.now() - recorded > RECORD_INTERVAL and box.space.kv_expiry:len() > 0 then
        pcall(record)
    end
end

--- Somebody is about to be told that this is over.
---@param expires_at number seconds since 1970
function M.tell(expires_at)
    told = math.max(told, expires_at)
end

--- Before an answer: what it leaves out as expired stays so after any restart. An instance
-- that cannot write, for want of disk or as a replica, answers nevertheless.
function M.settle()
    if told > recorded and not box.info.ro then
        pcall(record)
    end
end

return M
