--- The audit of the console: a line of Tarantool's log for each call that changes something.
local log = require('log')

local accounts = require('kv.accounts.accounts')
local format = require('kv.admin.format')

local M = {}

--- First parameters of functions whose values a line has. It has no other value: grants and
-- values have keys in them, and a hash of a password is confidential.
local LOGGED = { name = true, id = true }

--- The account, or the id, that a call is about; of a failed one only if the account exists:
-- a hash may have been typed in the place of a name.
local function subject(entry, value, ok)
    if not LOGGED[entry.arguments:match('^%w*')] then
        return ''
    elseif type(value) == 'number' then
        return ' ' .. tostring(value)
    elseif type(value) == 'string' and (ok or accounts.find_here(value) ~= nil) then
        return ' ' .. format.literal(value)
    end
    return ''
end

local function operator()
    local where = box.session.peer() or box.session.type()
    return ('%s at %s'):format(box.session.user(), where)
end

--- The function of an entry, which is logged with its outcome. Why it has failed is not logged:
-- the operator sees it, and it may name a key.
---@param entry Function
---@param call function
---@return function
function M.audited(entry, call)
    return function(...)
        local ok, result = pcall(call, ...)
        log.info('kv: audit: %s%s by %s: %s', entry.name, subject(entry, (...), ok), operator(),
            ok and 'ok' or 'failed')
        if not ok then
            error(result, 0)
        end
        return result
    end
end

return M
