--- Procedures of version 1, see kv.api.v1: reads of keys. The service calls `read` and its
-- variants, which return all values as one text; the others are for services of earlier versions.
local clock = require('kv.data.clock')
local errors = require('kv.base.errors')
local leader = require('kv.base.leader')
local lease = require('kv.base.lease')
local reads = require('kv.data.reads')
local stale_reads = require('kv.data.stale_reads')

local M = {}

local MEMBERS, VALUES = { members = true }, { values = true }
local DETAILED_MEMBERS = { members = true, revisions = true, ttls = true }
local DETAILED_VALUES = { values = true, revisions = true, ttls = true }

local function as_members(detailed)
    return detailed and DETAILED_MEMBERS or MEMBERS
end

local function as_values(detailed)
    return detailed and DETAILED_VALUES or VALUES
end

local function as_detailed_values()
    return DETAILED_VALUES
end

--- Results as a procedure returns them; a number where they take more than max_bytes.
local function returned(found, bytes, max_bytes)
    if bytes > max_bytes then
        return bytes
    end
    local values = found.members or found.values
    if found.revisions == nil then
        return values
    end
    return values, found.revisions, found.ttls
end

--- The result of one of many reads: one value, a table of them where it is detailed; null where
-- the read was left out.
local function result_of(found, bytes, max_bytes)
    if found == nil then
        return box.NULL
    end
    local values, revisions, ttls = returned(found, bytes, max_bytes)
    return revisions == nil and values or { values, revisions, ttls }
end

--- Many reads without waiting.
---@param requests table[] each {caller, keys, max_bytes}
---@param shown Shown
---@return table results
local function read_each(requests, shown)
    local results, term = {}, leader.term()
    for i = 1, #requests do
        local caller, keys, max_bytes = unpack(requests[i])
        local ok, found, bytes = pcall(reads.get_without_waiting, caller, keys, max_bytes, shown)
        results[i] = result_of(ok and found or nil, bytes, max_bytes)
    end
    if not (pcall(clock.settle) and lease.holds(term)) then
        for i = 1, #requests do
            results[i] = box.NULL
        end
    end
    return results
end

--- Many stale reads without waiting.
---@param requests table[] each {caller, keys, max_bytes, detailed}
---@param shown_by function takes `detailed`, returns what is Shown
---@return number age
---@return number revision
---@return table results
local function read_stale_each(requests, shown_by)
    local age, revision, found = stale_reads.get_each(requests, shown_by)
    local results = {}
    for i = 1, #requests do
        local of_request, bytes = unpack(found[i] or {})
        results[i] = result_of(of_request, bytes, requests[i][3])
    end
    return age, revision, results
end

--- Reads all the keys at one moment.
---@param caller Caller
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param detailed boolean|nil true: returns more than the values
---@return string|number members of the keys that exist, `"key":value` joined by commas; a number:
-- the bytes that the keys and values take, more than max_bytes
---@return table|nil revisions one for each key, or null where there is none
---@return table|nil ttls one for each key: seconds until it expires, or null
function M.read(caller, keys, max_bytes, detailed)
    local found, bytes = reads.get(caller, keys, max_bytes, as_members(detailed))
    return returned(found, bytes, max_bytes)
end

--- Executes many independent `read` without details. One that is left out needs a call of its own,
-- which can wait and raise.
---@param requests table[] each {caller, keys, max_bytes}
---@return table results the members of each; null: it was left out; a number: it was left out,
-- and its keys and values take this many bytes, more than max_bytes
function M.read_each(requests)
    return read_each(requests, MEMBERS)
end

--- Reads all the keys at one moment, on any node of a cluster. The data are confirmed, and may
-- be outdated by their age. Raises kv.NotConfirmed where a majority does not confirm them in
-- time, or the node sees none; and kv.NotLeader where it has heard from no leader since its start.
---@param caller Caller
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param detailed boolean|nil true: returns more than the values
---@return number age seconds since the node had every confirmed write; 0 on a single instance
---@return number revision of the moment
---@return string|number members as `read` returns them
---@return table|nil revisions
---@return table|nil ttls
function M.read_stale(caller, keys, max_bytes, detailed)
    local age, revision, found, bytes = stale_reads.get(
        caller, keys, max_bytes, as_members(detailed))
    return age, revision, returned(found, bytes, max_bytes)
end

--- Executes many independent `read_stale`, all at one moment. One that is left out needs a call of
-- its own, which can wait and raise. Raises kv.NotLeader as `read_stale` does, for all of them.
---@param requests table[] each {caller, keys, max_bytes, detailed}
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return table results as `read_each` returns them; {members, revisions, ttls} of a detailed one
function M.read_stale_each(requests)
    return read_stale_each(requests, as_members)
end

--- Reads all the keys at one moment. Raises kv.ReplyTooLarge.
---@param caller Caller
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param detailed boolean|nil true: returns more than the values
---@param sized boolean|nil true: returns a number in place of kv.ReplyTooLarge
---@return table|number values one for each key: a JSON text, or null where there is none; a
-- number: the bytes that the keys and values take, more than max_bytes
---@return table|nil revisions one for each key, or null
---@return table|nil ttls one for each key: seconds until it expires, or null
function M.get(caller, keys, max_bytes, detailed, sized)
    local found, bytes = reads.get(caller, keys, max_bytes, as_values(detailed))
    if bytes > max_bytes and not sized then
        errors.raise('ReplyTooLarge', bytes, max_bytes)
    end
    return returned(found, bytes, max_bytes)
end

--- Reads all the keys at one moment, on any node of a cluster. Raises as `read_stale` does.
---@param caller Caller
---@param keys string[]
---@param max_bytes number that the keys and values may take together
---@param detailed boolean|nil true: returns more than the values
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return table|number values as `get` with `sized` returns them
---@return table|nil revisions
---@return table|nil ttls
function M.get_stale(caller, keys, max_bytes, detailed)
    local age, revision, found, bytes = stale_reads.get(
        caller, keys, max_bytes, as_values(detailed))
    return age, revision, returned(found, bytes, max_bytes)
end

--- Executes many independent `get_stale`, as `read_stale_each` does.
---@param requests table[] each {caller, keys, max_bytes}
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return table results each {values, revisions, ttls}, as `get_stale` returns them; null: it was
-- left out; a number: it was left out, and its keys and values take this many bytes
function M.get_stale_each(requests)
    return read_stale_each(requests, as_detailed_values)
end

--- Executes many independent `get`, as `read_each` does.
---@param requests table[] each {caller, keys, max_bytes}
---@param sized boolean|nil true: returns a number for a result of more than max_bytes
---@return table results the values of each; null: it was left out; a number: it was left out,
-- and its keys and values take this many bytes
function M.get_each(requests, sized)
    local results = read_each(requests, VALUES)
    for i = 1, #results do
        if type(results[i]) == 'number' and not sized then
            results[i] = box.NULL
        end
    end
    return results
end

return M
