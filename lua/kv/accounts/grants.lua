--- The grants of an account: a list of {prefix, rights}. The rights to a key are those of all
-- grants whose prefix it begins with; without such a grant there are none.
local errors = require('kv.base.errors')
local prefixes = require('kv.base.prefixes')

local M = {}

M.EVERYTHING = { { '', 'rw' } }

--- Grants of an account: every data call reads all of them.
M.MAX_GRANTS = 100

local RIGHTS = { r = true, w = true, rw = true }

local function is_text(value)
    return type(value) == 'string' and utf8.len(value) ~= nil
end

local function count_entries(given)
    local count = 0
    for _ in pairs(given) do
        count = count + 1
    end
    return count
end

--- Parses grants as people write them, each `{prefix = …, rights = …}`.
-- Raises a sentence that names the mistake.
---@param given any
---@return table grants each {prefix, rights}, as they are stored
function M.parse(given)
    if type(given) ~= 'table' or count_entries(given) ~= #given then
        error('expected a list of {prefix, rights}', 0)
    end
    if #given > M.MAX_GRANTS then
        error(('%d grants, the limit is %d'):format(#given, M.MAX_GRANTS), 0)
    end
    local grants = setmetatable({}, { __serialize = 'seq' })
    for i, grant in ipairs(given) do
        if type(grant) ~= 'table' or not is_text(grant.prefix) then
            error(('grant %d: expected a prefix, a string'):format(i), 0)
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

--- Parses the grants of a call. Raises kv.InvalidGrants.
---@param given any null: none are given
---@return table|nil grants as `parse` returns them
function M.of_call(given)
    if given == nil then
        return nil
    end
    local ok, found = pcall(M.parse, given)
    if not ok then
        errors.raise('InvalidGrants', found)
    end
    return found
end

--- Grants as people read them.
---@param grants table as they are stored
---@return table each {prefix =, rights =}
function M.to_objects(grants)
    local shown = setmetatable({}, { __serialize = 'seq' })
    for i, grant in ipairs(grants) do
        shown[i] = { prefix = grant[1], rights = grant[2] }
    end
    return shown
end

--- Bytes of the prefixes.
---@param grants table as they are stored
function M.size(grants)
    local bytes = 0
    for _, grant in ipairs(grants) do
        bytes = bytes + #grant[1]
    end
    return bytes
end

--- The rights that two texts have in common, in their usual order; empty: none.
local function common_rights(one, other)
    local found = ''
    for right in one:gmatch('.') do
        if other:find(right, 1, true) then
            found = found .. right
        end
    end
    return found
end

--- The rights that both lists of grants give, as a list in the byte order of the prefixes, without
-- grants that another one includes.
---@param some table each {prefix, rights}
---@param others table the same
---@return table
function M.intersect(some, others)
    local by_prefix, names = {}, {}
    for _, one in ipairs(some) do
        for _, other in ipairs(others) do
            local longer = #one[1] > #other[1] and one[1] or other[1]
            local shorter = longer == one[1] and other[1] or one[1]
            local rights = common_rights(one[2], other[2])
            if rights ~= '' and longer:startswith(shorter) then
                if by_prefix[longer] == nil then
                    table.insert(names, longer)
                    by_prefix[longer] = rights
                elseif by_prefix[longer] ~= rights then
                    by_prefix[longer] = 'rw'
                end
            end
        end
    end
    table.sort(names)
    local found = setmetatable({}, { __serialize = 'seq' })
    for _, name in ipairs(names) do
        local rights, is_included = by_prefix[name], false
        for _, grant in ipairs(found) do
            is_included = is_included
                or name:startswith(grant[1]) and common_rights(rights, grant[2]) == rights
        end
        if not is_included then
            table.insert(found, { name, rights })
        end
    end
    return found
end

local function prefixes_with(granted, right)
    local found = {}
    for _, grant in ipairs(granted) do
        if grant[2]:find(right, 1, true) then
            if grant[1] == '' then
                return prefixes.ALL
            end
            table.insert(found, grant[1])
        end
    end
    table.sort(found)
    return found
end

--- The prefixes of grants by right, in byte order, as the functions below take them.
---@param granted table each {prefix, rights}
---@return table {r =, w =}
function M.prefixes(granted)
    return { r = prefixes_with(granted, 'r'), w = prefixes_with(granted, 'w') }
end

local VERBS = { r = 'read', w = 'write' }

local function first_without(granted, keys, count)
    for i = 1, granted == prefixes.ALL and 0 or count do
        if not prefixes.match_any(keys[i], granted) then
            return i
        end
    end
    return nil
end

--- The first key that a caller has no right to.
---@param user VerifiedCaller see kv.accounts.callers
---@param rights string all that are required: `r`, `w` or `rw`
---@param keys string[]
---@return number|nil position nil: it has all rights
---@return string|nil verb of the missing right: read or write
function M.first_refused(user, rights, keys)
    local first, verb, count = nil, nil, #keys
    for i = 1, #rights do
        local right = rights:sub(i, i)
        local position = first_without(user.prefixes[right], keys, count)
        if position ~= nil then
            first, verb, count = position, VERBS[right], position - 1
        end
    end
    return first, verb
end

local function refuse(user, verb, what)
    errors.raise('NotGranted', user.access_token ~= nil and 'access token' or 'account', verb, what)
end

--- Raises kv.NotGranted, which names the first key that a caller has no right to.
---@param user VerifiedCaller
---@param rights string all that are required: `r`, `w` or `rw`
---@param keys string[]
function M.check(user, rights, keys)
    local position, verb = M.first_refused(user, rights, keys)
    if position ~= nil then
        refuse(user, verb, 'the key ' .. errors.quoted(keys[position]))
    end
end

--- The prefixes of the keys below `prefix` that a caller may read. Raises kv.NotGranted
-- where there are none.
---@param user VerifiedCaller
---@param prefix string
---@return string[] prefixes in byte order; a key begins with at most one of them
function M.readable(user, prefix)
    local found = {}
    for _, own in ipairs(user.prefixes.r) do
        if prefix:startswith(own) then
            return prefix == '' and prefixes.ALL or { prefix }
        end
        -- a prefix of this one has come before it
        if own:startswith(prefix) and not prefixes.match_any(own, found) then
            table.insert(found, own)
        end
    end
    if #found == 0 then
        refuse(user, 'read', 'any key with the prefix ' .. errors.quoted(prefix))
    end
    return found
end

return M
