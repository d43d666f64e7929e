--- Procedures of version 1, see kv.api.v1: lists of keys in byte order, page by page. A page shows
-- one moment. The stale ones read on any node of a cluster, and raise, as `get_stale` does.
local authorize = require('kv.accounts.authorize')
local clock = require('kv.data.clock')
local grants = require('kv.accounts.grants')
local levels = require('kv.data.levels')
local listing = require('kv.data.listing')
local reads = require('kv.data.reads')
local stale_reads = require('kv.data.stale_reads')
local store = require('kv.data.store')
local transaction = require('kv.data.transaction')

local M = {}

--- A page that is on disk, of the keys that the caller may read.
local function strict(caller, prefix, read)
    local revision, page
    repeat
        local readable = grants.readable(authorize.check(caller), prefix)
        revision = store.revision()
        page = read(readable)
    until transaction.commits:await_all()
    clock.settle()
    return revision, page
end

local function reader(after, limit, max_bytes, shown)
    return function(readable)
        return listing.page(readable, after, limit, max_bytes, shown)
    end
end

local function level_reader(prefix, after, limit, max_bytes, delimiter, shown)
    return function(readable)
        return levels.page(readable, after, limit, max_bytes, shown, prefix, delimiter)
    end
end

local function plain(page, with_values)
    local keys = reads.column(page.rows, #page.rows, store.KEY)
    local values = with_values and reads.column(page.rows, #page.rows, store.VALUE) or nil
    return page.last or box.NULL, keys, values
end

--- The details of rows, in columns.
local function details_of(rows, now)
    local sizes, left = {}, reads.column(rows, #rows, store.EXPIRES_AT)
    for i = 1, #rows do
        sizes[i] = store.value_size(rows[i])
        left[i] = left[i] ~= nil and left[i] - now or box.NULL
    end
    return { sizes, reads.column(rows, #rows, store.REVISION), left }
end

local function detailed(page, shown)
    local last, keys, values = plain(page, shown.values)
    local details = shown.details and details_of(page.rows, page.now) or nil
    return last, keys, values or box.NULL, details or box.NULL
end

local function with_prefixes(page, shown)
    local last, keys, values, details = detailed(page, shown)
    return last, keys, values, details, page.prefixes, page.counts
end

--- Lists the keys with a prefix that the caller may read.
---@param caller Caller
---@param prefix string
---@param after string|nil the key after which the page begins
---@param limit number keys of a page
---@param max_bytes number of a page; its first row may be larger
---@param with_values boolean
---@return number revision of the moment
---@return string|nil last the key after which the next page begins; nil: there is none
---@return string[] keys
---@return string[]|nil values JSON texts
function M.list(caller, prefix, after, limit, max_bytes, with_values)
    local shown = { values = with_values }
    local revision, page = strict(caller, prefix, reader(after, limit, max_bytes, shown))
    return revision, plain(page, with_values)
end

--- Lists keys as `list` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param with_values boolean
---@return number age as `get_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values
function M.list_stale(caller, prefix, after, limit, max_bytes, with_values)
    local read = reader(after, limit, max_bytes, { values = with_values })
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, plain(page, with_values)
end

--- Lists keys as `list` does, with more about each.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param options table {values =, details =}: booleans, what is returned
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values JSON texts
---@return table|nil details columns: the bytes of the values, the revisions, and the seconds
-- until each key expires, or null
function M.list_details(caller, prefix, after, limit, max_bytes, options)
    local revision, page = strict(caller, prefix, reader(after, limit, max_bytes, options))
    return revision, detailed(page, options)
end

--- Lists keys as `list_details` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param options table
---@return number age as `get_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values
---@return table|nil details
function M.list_details_stale(caller, prefix, after, limit, max_bytes, options)
    local read = reader(after, limit, max_bytes, options)
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, detailed(page, options)
end

--- Lists one level of the keys with a prefix that the caller may read: the keys without a
-- delimiter after the prefix, and the prefixes of the others, up to their first delimiter. Keys
-- and prefixes are one sequence in byte order.
---@param caller Caller
---@param prefix string
---@param after string|nil the key or the prefix after which the page begins; from inside of a
-- prefix it begins with this, and counts only the keys after
---@param limit number keys and prefixes of a page
---@param max_bytes number of a page; its first entry may be larger
---@param delimiter string not empty
---@param options table as `list_details` takes them
---@return number revision of the moment
---@return string|nil last a text after which the next page begins; nil: there is none
---@return string[] keys
---@return string[]|nil values JSON texts
---@return table|nil details as `list_details` returns them
---@return string[] prefixes
---@return table counts for each prefix the number of the keys that begin with it; null: more
-- than levels.MAX_COUNT, or too many expired ones among them
function M.list_level(caller, prefix, after, limit, max_bytes, delimiter, options)
    local read = level_reader(prefix, after, limit, max_bytes, delimiter, options)
    local revision, page = strict(caller, prefix, read)
    return revision, with_prefixes(page, options)
end

--- Lists one level as `list_level` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param delimiter string
---@param options table
---@return number age as `get_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values
---@return table|nil details
---@return string[] prefixes
---@return table counts
function M.list_level_stale(caller, prefix, after, limit, max_bytes, delimiter, options)
    local read = level_reader(prefix, after, limit, max_bytes, delimiter, options)
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, with_prefixes(page, options)
end

return M
