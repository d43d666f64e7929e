--- The console's functions for keys and values.
local args = require('kv.admin.args')
local clock = require('kv.data.clock')
local forgetting = require('kv.data.forgetting')
local format = require('kv.admin.format')
local listing = require('kv.data.listing')
local pretty_json = require('kv.admin.pretty_json')
local results = require('kv.data.results')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- Keys of a page without a limit.
local DEFAULT_LIMIT = 10

--- Bytes of a page, whose first key may be larger: the instance's one thread formats them.
local MAX_BYTES = 1024 * 1024

--- What a page has of its rows.
local COLUMNS = { values = true, revisions = true, ttls = true, keys = true }

---@param ttl number|nil seconds until the key expires
local function shown(key, value, revision, ttl, now)
    local head = ('key %s, revision %d'):format(format.literal(key), revision)
    if ttl ~= nil then
        head = ('%s, expires %s (in %s)'):format(
            head, format.time(now + ttl), format.duration(ttl))
    end
    return head .. '\n\n' .. pretty_json.indented(value)
end

local function show_value(key)
    args.text('key', key)
    local found, now
    repeat
        now = clock.now()
        found = results.new(COLUMNS, now)
        local row = store.find(key, now)
        if row ~= nil then
            found:add(1, key, row)
        end
        found:finish()
    until transaction.commits:await_all()
    if #found.keys == 0 then
        args.refuse('there is no key %s', key)
    end
    return shown(key, found.values[1], found.revisions[1], found.ttls[1], now)
end

local function list_values(prefix, limit, after)
    args.text('prefix', prefix)
    limit = args.limit(limit, DEFAULT_LIMIT)
    args.after(after)
    local page
    repeat
        page = listing.page({ prefix }, after, limit, MAX_BYTES, COLUMNS)
    until transaction.commits:await_all()
    local texts, found = {}, page.found
    for i, key in ipairs(found.keys) do
        texts[i] = shown(key, found.values[i], found.revisions[i], found.ttls[i], page.now)
    end
    if page.last ~= nil then
        table.insert(texts, ('continue with kv.admin.list_values(%s, %d, %s)'):format(
            format.literal(prefix), limit, format.literal(page.last)))
    elseif #texts == 0 then
        return 'no keys'
    end
    return unpack(texts)
end

local function forget_history(key)
    args.text('key', key)
    local removed = forgetting.forget(key)
    return ('%s of key %s %s forgotten'):format(
        format.count(removed, 'change'), format.literal(key), removed == 1 and 'is' or 'are')
end

M.functions = {
    {
        name = 'show_value',
        arguments = 'key',
        summary = 'shows a value, one line for each of its members',
        help = 'With the revision of the key and its expiry. The value is shown as it is '
            .. 'stored, except for white space; one with very many lines is shown in one.',
        example = "kv.admin.show_value('config/colour')",
        call = show_value,
    },
    {
        name = 'list_values',
        arguments = 'prefix[, limit[, after]]',
        summary = 'shows the keys that begin with a prefix, and their values',
        help = 'In byte order, 10 at a time unless a limit is given, at most 1000; the last '
            .. 'line shows how to continue.',
        example = "kv.admin.list_values('config/', 50)",
        call = list_values,
    },
    {
        name = 'forget_history',
        arguments = 'key',
        summary = 'removes the earlier values of a key from the change log',
        help = 'With the times and the accounts of these changes. The key itself stays as it is, '
            .. 'and so does its latest change, which clients that follow changes need: the '
            .. 'current value, or the deletion. To remove that value as well, write or delete '
            .. 'the key first. Snapshots, files of the write-ahead log and backups that exist '
            .. 'already keep what is forgotten here until they are removed. Other keys of the '
            .. 'same writes keep their history. Works in small steps: calls go on.',
        example = "kv.admin.forget_history('config/colour')",
        writes = true,
        call = forget_history,
    },
}

return M
