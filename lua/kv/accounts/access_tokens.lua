--- Access tokens: credentials of an account for programs, with rights of their own. Of a token
-- only its hash is stored.
--
-- A change of a token is a commit of its account. The rights of a token are its grants intersected
-- with those of the account, at each use. The time of the last use is kept in memory by the
-- minute, and stored by the collector of expired tokens: no use waits for a write.
local capacity = require('kv.capacity')
local commits = require('kv.accounts.commits')
local errors = require('kv.base.errors')
local ids = require('kv.accounts.ids')

local M = {}

--- Tokens of an account: each has its program, and a list shows all of them.
M.MAX_PER_ACCOUNT = 100

--- Seconds: the unit of the last use.
local MINUTE = 60

--- Bytes of a token besides its texts: the other fields, and the entries in three trees.
local PER_TOKEN = 400

--- Bytes of a stored use, with its entry in a tree.
local PER_USE = 60

local last_uses = {} -- by id: seconds since 1970, whole minutes
local unsaved = {} -- by id: the hash of a token whose last use is to be stored
local is_watched = false
local now = os.time -- seconds since 1970

---@param clock function returns the time of the store, in seconds since 1970
function M.configure(clock)
    now = clock
end

local function forget_uses(before, after)
    if after == nil then
        last_uses[before.id], unsaved[before.id] = nil, nil
    end
end

--- Begins to note the changes of tokens, when the space exists; on a follower, the replicated
-- changes. Called again, it changes nothing.
---@param listener function called with the row before the change; nil: a new token
function M.watch(listener)
    if not is_watched then
        box.space.access_tokens:on_replace(forget_uses)
        box.space.access_tokens:on_replace(listener)
        is_watched = true
    end
end

--- The token as it is on disk, or nil. Waits for pending commits of its account; without a token,
-- of all accounts: one may have deleted it.
---@param hash string
function M.find(hash)
    while true do
        local token = box.space.access_tokens:get(hash)
        local commit = token ~= nil and commits:pending(token.username) or nil
        if commit ~= nil then
            commits:await(commit)
        elseif token ~= nil or commits:await_all() then
            return token
        end
    end
end

--- The token, or nil; nil as well where a commit of its account is pending.
---@param hash string
function M.find_without_waiting(hash)
    local token = box.space.access_tokens:get(hash)
    return token ~= nil and commits:pending(token.username) == nil and token or nil
end

--- The token as this node has it, confirmed or not, or nil.
---@param hash string
function M.find_here(hash)
    return box.space.access_tokens:get(hash)
end

--- Notes that a token is used, unless it has expired.
---@param id number
---@param hash string
---@param expires_at number|nil seconds since 1970
---@return boolean whether it has not expired
function M.use(id, hash, expires_at)
    local time = now()
    if expires_at ~= nil and expires_at <= time then
        return false
    end
    local minute = time - time % MINUTE
    if last_uses[id] ~= minute then
        last_uses[id], unsaved[id] = minute, hash
    end
    return true
end

---@param user table the account's row
---@return table[] rows in the order of their creation
function M.of(user)
    return box.space.access_tokens.index.account:select({ user.id })
end

--- The time of the last use, or nil.
---@param token table its row
---@return number|nil seconds since 1970, a whole minute
function M.last_use(token)
    local saved = box.space.access_token_uses:get(token.id)
    local used_at = last_uses[token.id]
    if saved == nil or used_at ~= nil and used_at > saved.last_used_at then
        return used_at
    end
    return tonumber(saved.last_used_at)
end

--- Creates a token. Raises kv.TooManyAccessTokens, kv.MemoryFull, kv.DiskFull.
---@param user table the account's row, of which no commit is pending
---@param hash string
---@param name string
---@param granted table|nil each {prefix, rights}; nil: all grants of the account
---@param ttl number|nil seconds; nil: it does not expire
---@return table token its row
function M.create(user, hash, name, granted, ttl)
    if #M.of(user) >= M.MAX_PER_ACCOUNT then
        errors.raise('TooManyAccessTokens', M.MAX_PER_ACCOUNT)
    end
    local bytes = PER_TOKEN + #name
    for _, grant in ipairs(granted or {}) do
        bytes = bytes + #grant[1]
    end
    capacity.admit(bytes)
    local time = now()
    return commits:commit({ user.username }, function()
        return box.space.access_tokens:insert({
            hash, user.id, ids.next(), user.username, name, granted or box.NULL,
            math.floor(time), ttl ~= nil and math.ceil(time + ttl) or box.NULL,
        })
    end)
end

local function delete_rows(tokens)
    for _, token in ipairs(tokens) do
        box.space.access_tokens:delete(token.hash)
        box.space.access_token_uses:delete(token.id)
    end
end

--- Deletes all tokens of an account, inside the transaction of another change of it.
---@param user table the account's row
function M.delete_all(user)
    delete_rows(M.of(user))
end

--- Deletes a token. The account has no pending commit.
---@param token table its row
function M.delete(token)
    capacity.with_reserve(function()
        commits:commit({ token.username }, delete_rows, { token })
    end)
end

--- The token of an account with this id, or nil.
---@param user table the account's row
---@param id number
function M.get(user, id)
    return box.space.access_tokens.index.account:get({ user.id, id })
end

--- The token of any account with this id, or nil, as it is on disk. Looks at all tokens: for
-- operators only.
---@param id number
function M.find_by_id(id)
    repeat
        for _, token in box.space.access_tokens:pairs() do
            if token.id == id then
                return M.find(token.hash)
            end
        end
    until commits:await_all()
end

--- When the next token expires, or nil.
---@return number|nil seconds since 1970
function M.next_expiry()
    local first = box.space.access_tokens.index.expires_at:select({ 0 },
        { iterator = 'GE', limit = 1 })[1]
    return first ~= nil and first.expires_at or nil
end

--- Deletes expired tokens, except those of accounts of which a commit is pending: there is one at
-- a time, and the next sweep deletes them.
---@param limit number
---@return boolean more whether there may be more of them
function M.delete_expired(limit)
    local time, expired, names = now(), {}, {}
    for _, token in box.space.access_tokens.index.expires_at:pairs({ 0 }, { iterator = 'GE' }) do
        if token.expires_at > time or #expired == limit then
            break
        elseif commits:pending(token.username) == nil then
            table.insert(expired, token)
            table.insert(names, token.username)
        end
    end
    if #expired > 0 then
        capacity.with_reserve(function() commits:commit(names, delete_rows, expired) end)
    end
    return #expired == limit
end

local function write_uses(hashes)
    for id, hash in pairs(hashes) do
        local used_at = last_uses[id] -- nil: the token was deleted, perhaps rolled back
        if used_at ~= nil and box.space.access_tokens:get(hash) ~= nil then
            box.space.access_token_uses:replace({ id, used_at })
        end
    end
end

--- Stores the times of the last uses since the call before; not while memory or disk is short.
---@param limit number of tokens
---@return boolean more whether there may be more of them
function M.save_uses(limit)
    local saved, bytes = {}, 0
    for id, hash in pairs(unsaved) do
        saved[id] = hash
        bytes = bytes + PER_USE
        limit = limit - 1
        if limit == 0 then
            break
        end
    end
    if bytes == 0 or not capacity.admits(bytes) then
        return false
    end
    for id in pairs(saved) do
        unsaved[id] = nil -- a use from now on sets it again
    end
    local ok, failure = pcall(box.atomic, write_uses, saved)
    if not ok then
        for id, hash in pairs(saved) do
            unsaved[id] = hash
        end
        error(failure, 0)
    end
    return limit == 0
end

return M
