--- Procedures of version 1: see kv.api.v1.
local history = require('kv.data.history')

local M = {}

--- Returns the changes of a key, the newest first. Raises kv.ChangesOff.
---@param caller Caller
---@param key string
---@param before number|nil the changes of lower revisions; nil: all
---@param limit number changes of a page, which may have fewer and a next one
---@param max_bytes number of a page; its first change may be larger
---@param authors boolean whether every caller is shown who made a change, not only that account
-- and administrators
---@return table[] entries each {revision, at, by, value, cause}. at: seconds since 1970; by: the
-- name of the account; both null where they are not known or not shown; value: a JSON text, or
-- null; cause: null, or why there is no value, `deleted` or `expired`
---@return number oldest the revision after which the change log has every change
---@return number|nil next `before` of the next page; null: there is none
function M.history(caller, key, before, limit, max_bytes, authors)
    local entries, oldest, next_before =
        history.changes(caller, key, before, limit, max_bytes, authors)
    return entries, oldest, next_before or box.NULL
end

--- Reads the value of a key at a revision. An expired key has its value until the revision of its
-- deletion. Raises kv.ChangesOff, kv.RevisionAhead.
---@param caller Caller
---@param key string
---@param revision number
---@param max_bytes number that the key and the value may take together
---@return string|number|nil value JSON text; a number: its bytes, which are more than max_bytes;
-- null: there was none, or it is not kept
---@return number|nil written the revision of the value
---@return number|nil oldest the first revision at which a value that is not kept can be read
function M.value_at(caller, key, revision, max_bytes)
    local value, written, oldest = history.value_at(caller, key, revision)
    local bytes = value ~= nil and #key + #value or 0
    if bytes > max_bytes then
        return bytes, box.NULL, box.NULL
    end
    return value or box.NULL, written or box.NULL, oldest or box.NULL
end

return M
