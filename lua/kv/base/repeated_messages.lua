--- Messages that may repeat: a text is logged once in an interval. The next time it has the
-- number of repetitions that were not logged. service/repeated_messages.py does the same for the
-- service.
local log = require('log')
local monotonic = require('clock').monotonic

local M = {}
M.__index = M

--- Seconds in which the same text is logged once.
local INTERVAL = 10

--- Texts that are remembered: some contain errors of any wording. One more forgets all of them.
local MAX_REMEMBERED = 100

---@param clock? fun(): number seconds
function M.new(clock)
    return setmetatable({ clock = clock or monotonic, texts = {}, count = 0 }, M)
end

---@param level string the name of a function of Tarantool's log
---@param format string
function M:log(level, format, ...)
    local text, now = format:format(...), self.clock()
    local last = self.texts[text]
    if last ~= nil and now - last.at < INTERVAL then
        last.skipped = last.skipped + 1
        return
    end
    if last == nil then
        if self.count == MAX_REMEMBERED then
            self.texts, self.count = {}, 0
        end
        self.count = self.count + 1
    end
    self.texts[text] = { at = now, skipped = 0 }
    local skipped = last ~= nil and last.skipped or 0
    log[level]('%s%s', text, skipped > 0 and (' (%d more times)'):format(skipped) or '')
end

return M
