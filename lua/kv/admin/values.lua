--- Keys and values, as operators read them.
local check = require('kv.admin.args')
local indent = require('kv.admin.pretty_json')
local listing = require('kv.data.listing')
local show = require('kv.admin.format')
local store = require('kv.data.store')
local time = require('kv.data.clock')
local writes = require('kv.data.transaction')

local M = {}

--- Keys of a page when no limit is given.
local DEFAULT_LIMIT = 10

--- Bytes of a page, but for its first key: what the instance's one thread puts into lines.
local MAX_BYTES = 1024 * 1024

local function shown(row, now)
    local head = ('key %s, revision %d'):format(show.literal(row.key), tonumber(row.revision))
    if row.expires_at ~= nil then
        head = ('%s, expires %s (in %s)'):format(
            head, show.time(row.expires_at), show.duration(row.expires_at - now))
    end
    return head .. '\n\n' .. indent.indented(row.value)
end

local function show_value(key)
    check.text('key', key)
    local row, now
    repeat
        now = time.now()
        row = store.find(key, now)
    until writes.journal:await_all()
    if row == nil then
        check.refuse('there is no key %s', key)
    end
    return shown(row, now)
end

local function list_values(prefix, limit, after)
    check.text('prefix', prefix)
    limit = check.limit(limit, DEFAULT_LIMIT)
    check.after(after)
    local rows, last
    repeat
        rows, last = listing.page({ prefix }, after, limit, MAX_BYTES, true)
    until writes.journal:await_all()
    local texts, now = {}, time.now()
    for _, row in ipairs(rows) do
        table.insert(texts, shown(row, now))
    end
    if last ~= nil then
        table.insert(texts, ('go on with kv.admin.list_values(%s, %d, %s)'):format(
            show.literal(prefix), limit, show.literal(last)))
    elseif #texts == 0 then
        return 'no keys'
    end
    return unpack(texts)
end

M.functions = {
    {
        name = 'show_value',
        arguments = 'key',
        summary = 'shows a value, a line for each of its members',
        help = 'With the revision of the key, and when it expires. The value is the text '
            .. 'that is stored, no digit of it changed; one of very many lines is shown in '
            .. 'one.',
        example = "kv.admin.show_value('config/colour')",
        call = show_value,
    },
    {
        name = 'list_values',
        arguments = 'prefix[, limit[, after]]',
        summary = 'shows the keys that begin with a prefix, and their values',
        help = 'In the order of their bytes, 10 at a time when no limit is given, 1000 at '
            .. 'the most; the last line says how to go on.',
        example = "kv.admin.list_values('config/', 50)",
        call = list_values,
    },
}

return M
