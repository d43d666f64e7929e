--- What an account may touch: a list of {prefix, rights}. The rights to a key are those of
-- all the prefixes that it begins with; without one there are none.
local errors = require('kv.base.errors')

local M = {}

M.EVERYTHING = { { '', 'rw' } }

--- What every key begins with.
M.ANYTHING = { '' }

--- Every data call looks through all of them.
M.MAX_GRANTS = 100

local RIGHTS = { r = true, w = true, rw = true }

local function is_text(value)
    return type(value) == 'string' and utf8.len(value) ~= nil
end

local function entries(list)
    local found = 0
    for _ in pairs(list) do
        found = found + 1
    end
    return found
end

--- From the form in which people write them, `{prefix = …, rights = …}`, to the stored one.
-- Raises a sentence that says what is wrong with them.
---@param given any
---@return table grants each {prefix, rights}
function M.from_people(given)
    if type(given) ~= 'table' or entries(given) ~= #given then
        error('a list of {prefix, rights} is wanted', 0)
    end
    if #given > M.MAX_GRANTS then
        error(('%d grants, the limit is %d'):format(#given, M.MAX_GRANTS), 0)
    end
    local grants = setmetatable({}, { __serialize = 'seq' })
    for i, grant in ipairs(given) do
        if type(grant) ~= 'table' or not is_text(grant.prefix) then
            error(('grant %d: a prefix is wanted, a string'):format(i), 0)
        end
        if RIGHTS[grant.rights] == nil then
            error(('grant %d: rights are r, w or rw'):format(i), 0)
        end
        for name in pairs(grant) do
            if name ~= 'prefix' and name ~= 'rights' then
                error(('grant %d: %s is not known'):format(i, tostring(name)), 0)
            end
        end
        grants[i] = { grant.prefix, grant.rights }
    end
    return grants
end

---@param grants table as they are stored
---@return table each {prefix =, rights =}
function M.for_people(grants)
    local shown = setmetatable({}, { __serialize = 'seq' })
    for i, grant in ipairs(grants) do
        shown[i] = { prefix = grant[1], rights = grant[2] }
    end
    return shown
end

local function prefixes_with(user, right)
    local prefixes = {}
    for _, grant in ipairs(user.grants) do
        if grant[2]:find(right, 1, true) then
            if grant[1] == '' then
                return M.ANYTHING
            end
            table.insert(prefixes, grant[1])
        end
    end
    return prefixes
end

--- Whether a key begins with any of the prefixes.
---@param key string
---@param prefixes string[]
function M.begins_with_any(key, prefixes)
    for i = 1, #prefixes do
        if key:startswith(prefixes[i]) then
            return true
        end
    end
    return false
end

local VERBS = { r = 'read', w = 'write' }

--- Raises kv.NotGranted, which names the first key that is refused.
---@param user table the account's row
---@param rights string all that is wanted: `r`, `w` or `rw`
---@param keys string[]
function M.check(user, rights, keys)
    local narrowed = {}
    for right in rights:gmatch('.') do
        local prefixes = prefixes_with(user, right)
        if prefixes ~= M.ANYTHING then
            narrowed[right] = prefixes
        end
    end
    if next(narrowed) == nil then
        return
    end
    for i = 1, #keys do
        for right, prefixes in pairs(narrowed) do
            if not M.begins_with_any(keys[i], prefixes) then
                errors.raise('NotGranted', VERBS[right], 'the key ' .. errors.quoted(keys[i]))
            end
        end
    end
end

--- What may be read of the keys with a prefix. Raises kv.NotGranted where that is nothing.
---@param user table the account's row
---@param prefix string
---@return string[] prefixes in the order of their bytes; a key begins with one at the most
function M.readable(user, prefix)
    local granted, found = prefixes_with(user, 'r'), {}
    table.sort(granted)
    for _, own in ipairs(granted) do
        if prefix:startswith(own) then
            return prefix == '' and M.ANYTHING or { prefix }
        end
        -- what it begins with has come before it
        if own:startswith(prefix) and not M.begins_with_any(own, found) then
            table.insert(found, own)
        end
    end
    if #found == 0 then
        errors.raise('NotGranted', 'read', 'any key with the prefix ' .. errors.quoted(prefix))
    end
    return found
end

return M
