--- Stale reads: any node of a cluster answers them, with the age of its data. They return
-- nothing that is not confirmed. The caller is checked against the node's own accounts.
local monotonic = require('clock').monotonic

local authorize = require('kv.accounts.authorize')
local clock = require('kv.data.clock')
local errors = require('kv.base.errors')
local grants = require('kv.accounts.grants')
local leader = require('kv.base.leader')
local lease = require('kv.base.lease')
local prefixes = require('kv.base.prefixes')
local reads = require('kv.data.reads')
local replica = require('kv.data.replica')
local rows = require('kv.data.rows')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- The monotonic time at which this node had every confirmed write.
local function begin()
    local now = monotonic()
    if not leader.is_clustered() or (leader.leads() and pcall(lease.check, leader.term())) then
        return now
    end
    local age = replica.age()
    if age == nil then
        errors.raise('NotLeader', 'it has heard from no leader since its start')
    end
    return now - age
end

--- Seconds since this node had every confirmed write, 0 on the leader; nil: never yet.
function M.lag()
    if not leader.is_clustered() or leader.leads() then
        return 0
    end
    return replica.age()
end

local function age_of(begun)
    return leader.is_clustered() and monotonic() - begun or 0
end

--- In a cluster no record keeps what a stale read reports as expired: nodes differ anyway.
local function settle()
    if not leader.is_clustered() then
        clock.settle()
    end
end

--- Reads on a node that leads: its own commits are registered.
---@param read function returns its result, and the pending commit that it depends on, or nil
---@return number|nil revision nil: a commit was rolled back, read again
---@return any result
local function read_here(caller, read)
    local user = authorize.check(caller)
    local revision, newest_on_disk = store.revision(), transaction.newest_on_disk()
    local result, pending = read(user)
    if pending == nil then
        return newest_on_disk, result
    elseif transaction.commits:await_all() then
        return revision, result
    end
end

--- Reads on another node.
---@param read function as above
---@param is_pending function(Moment) boolean
---@return number|nil revision nil: a write was rolled back, read again
---@return any result
local function read_there(caller, read, is_pending)
    local moment = replica.moment()
    local result = read(authorize.check_here(caller))
    if not is_pending(moment) then
        return moment.confirmed, result
    elseif replica.await(moment) then
        return moment.revision, result
    end
end

--- Whether the commits that this node has yet to confirm are registered: they are its own.
local function registers_commits()
    return not leader.is_clustered() or leader.leads()
end

--- Reads until nothing of the result was rolled back. A node that loses its leadership in between
-- reads as another node.
local function read_confirmed(caller, read, is_pending)
    while true do
        local is_here = registers_commits()
        local attempt = is_here and read_here or read_there
        local ok, revision, result = pcall(attempt, caller, read, is_pending)
        if ok and revision ~= nil then
            return revision, result
        elseif not ok and is_here == registers_commits() then
            error(revision, 0)
        end
    end
end

--- Whether a row, or the lack of one, may not be confirmed.
local function are_pending(moment, keys)
    local missing = {}
    for i = 1, #keys do
        local row = rows.get(keys[i])
        if row == nil then
            missing[keys[i]] = true
        elseif rows.revision(row) > moment.confirmed then
            return true
        end
    end
    return next(missing) ~= nil
        and replica.is_pending(moment, function(key) return missing[key] end)
end

--- The rows of one moment. Raises kv.TokenRevoked, kv.NotGranted.
-- Raises kv.NotConfirmed where a majority does not confirm them in time, or none is seen.
-- Raises kv.NotLeader where this node has heard from no leader yet.
---@param caller table {username, credentials_version}
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param shown Shown see kv.data.results
---@return number age seconds since this node had every confirmed write
---@return number revision of the moment
---@return Results found at the positions of the keys; only some where they exceed max_bytes
---@return number bytes of the keys and values
function M.get(caller, keys, max_bytes, shown)
    local bytes
    local begun = begin()
    local revision, found = read_confirmed(caller, function(user)
        grants.check(user, 'r', keys)
        local found, pending
        found, bytes, pending = reads.read_now(keys, max_bytes, clock.now(), shown)
        return found, pending
    end, function(moment) return are_pending(moment, keys) end)
    settle()
    return age_of(begun), revision, found, bytes
end

--- A function that reads the rows of one request at the present moment, without waiting; and the
-- revision of the moment. Neither it nor its caller may yield.
local function reader_of_moment()
    local now = clock.now()
    if registers_commits() then
        return function(caller, keys, max_bytes, shown)
            grants.check(authorize.check_without_waiting(caller), 'r', keys)
            local found, bytes, pending = reads.read_now(keys, max_bytes, now, shown)
            return found, bytes, pending ~= nil
        end, transaction.newest_on_disk()
    end
    local moment = replica.moment()
    return function(caller, keys, max_bytes, shown)
        grants.check(authorize.check_here(caller), 'r', keys)
        local found, bytes = reads.read_now(keys, max_bytes, now, shown)
        return found, bytes, bytes <= max_bytes and are_pending(moment, keys)
    end, moment.confirmed
end

--- Reads of many callers at one moment, without waiting for what is pending. Raises kv.NotLeader
-- as `get` does, for all of them.
---@param requests table[] each {caller, keys, max_bytes, detailed}
---@param shown_by function takes `detailed`, returns what is Shown, see kv.data.results
---@return number age as `get` returns it
---@return number revision of the moment
---@return table found at the positions of the requests, each {Results, bytes}; nil: the request is
-- refused, or has to wait
function M.get_each(requests, shown_by)
    local begun, found = begin(), {}
    local read, revision = reader_of_moment()
    for i = 1, #requests do
        local caller, keys, max_bytes, detailed = unpack(requests[i])
        local ok, of_request, bytes, is_pending = pcall(
            read, caller, keys, max_bytes, shown_by(detailed))
        if ok and not is_pending then
            found[i] = { of_request, bytes }
        end
    end
    settle()
    return age_of(begun), revision, found
end

--- A page of keys at one moment. Raises as `get` does.
---@param caller table {username, credentials_version}
---@param prefix string
---@param read function returns the page of the readable prefixes, as listing.page
---@return number age as `get` returns it
---@return number revision of the moment
---@return Page page
function M.list(caller, prefix, read)
    local begun = begin()
    local readable
    local revision, page = read_confirmed(caller, function(user)
        readable = grants.readable(user, prefix)
        return read(readable), transaction.commits:any_pending()
    end, function(moment)
        return replica.is_pending(moment, function(key)
            return prefixes.match_any(key, readable)
        end)
    end)
    settle()
    return age_of(begun), revision, page
end

return M
