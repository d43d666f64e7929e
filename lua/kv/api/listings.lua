--- Procedures of version 1, see kv.api.v1: lists of keys in byte order, page by page. A page shows
-- one moment. The stale ones read on any node of a cluster, and raise, as `read_stale` does. The
-- service calls `list_page`; the others are for services of earlier versions.
local authorize = require('kv.accounts.authorize')
local clock = require('kv.data.clock')
local grants = require('kv.accounts.grants')
local levels = require('kv.data.levels')
local listing = require('kv.data.listing')
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

--- A function that reads a page: of a level, if there is a delimiter.
local function reader(prefix, after, limit, max_bytes, shown, delimiter)
    return function(readable)
        if delimiter == nil then
            return listing.page(readable, after, limit, max_bytes, shown)
        end
        return levels.page(readable, after, limit, max_bytes, shown, prefix, delimiter)
    end
end

--- What a page has of its rows, as these options ask for it.
---@param options table {values =, details =}: booleans
---@param values_as string the results of the values: `values` or `members`
---@return Shown
local function shown_by(options, values_as)
    local details = options.details
    return {
        keys = true, [values_as] = options.values,
        sizes = details, revisions = details, ttls = details,
    }
end

local function plain(page)
    return page.last or box.NULL, page.found.keys, page.found.values
end

local function details_of(found)
    return found.sizes and { found.sizes, found.revisions, found.ttls } or box.NULL
end

local function detailed(page)
    local found = page.found
    return page.last or box.NULL, found.keys, found.values or box.NULL, details_of(found)
end

local function with_prefixes(page)
    local last, keys, values, details = detailed(page)
    return last, keys, values, details, page.prefixes, page.counts
end

local function with_members(page, delimiter)
    local found, has_levels = page.found, delimiter ~= nil
    return page.last or box.NULL, found.keys, found.members or box.NULL, details_of(found),
        has_levels and page.prefixes or box.NULL, has_levels and page.counts or box.NULL
end

--- Lists the keys with a prefix that the caller may read; with a delimiter one level of them: the
-- keys without a delimiter after the prefix, and the prefixes of the others, up to their first
-- delimiter. Keys and prefixes are one sequence in byte order.
---@param caller Caller
---@param prefix string
---@param after string|nil the key or the prefix after which the page begins; from inside of a
-- prefix of a level it begins with this, and counts only the keys after
---@param limit number keys and prefixes of a page
---@param max_bytes number of a page; its first entry may be larger
---@param options table {values =, details =}: booleans, what is returned; {delimiter =}: not empty
---@return number revision of the moment
---@return string|nil last a text after which the next page begins; nil: there is none
---@return string[] keys
---@return string|nil members with the values, as `read` returns them
---@return table|nil details columns: the bytes of the values, the revisions, and the seconds
-- until each key expires, or null
---@return string[]|nil prefixes of a level
---@return table|nil counts for each prefix the number of the keys that begin with it; null: more
-- than levels.MAX_COUNT, or too many expired ones among them
function M.list_page(caller, prefix, after, limit, max_bytes, options)
    local shown, delimiter = shown_by(options, 'members'), options.delimiter
    local read = reader(prefix, after, limit, max_bytes, shown, delimiter)
    local revision, page = strict(caller, prefix, read)
    return revision, with_members(page, delimiter)
end

--- Lists keys as `list_page` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param options table
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string|nil members
---@return table|nil details
---@return string[]|nil prefixes
---@return table|nil counts
function M.list_page_stale(caller, prefix, after, limit, max_bytes, options)
    local shown, delimiter = shown_by(options, 'members'), options.delimiter
    local read = reader(prefix, after, limit, max_bytes, shown, delimiter)
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, with_members(page, delimiter)
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
    local shown = shown_by({ values = with_values }, 'values')
    local read = reader(prefix, after, limit, max_bytes, shown)
    local revision, page = strict(caller, prefix, read)
    return revision, plain(page)
end

--- Lists keys as `list` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param with_values boolean
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values
function M.list_stale(caller, prefix, after, limit, max_bytes, with_values)
    local shown = shown_by({ values = with_values }, 'values')
    local read = reader(prefix, after, limit, max_bytes, shown)
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, plain(page)
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
    local read = reader(prefix, after, limit, max_bytes, shown_by(options, 'values'))
    local revision, page = strict(caller, prefix, read)
    return revision, detailed(page)
end

--- Lists keys as `list_details` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param options table
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values
---@return table|nil details
function M.list_details_stale(caller, prefix, after, limit, max_bytes, options)
    local read = reader(prefix, after, limit, max_bytes, shown_by(options, 'values'))
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, detailed(page)
end

--- Lists one level of the keys, as `list_page` does.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param delimiter string
---@param options table as `list_details` takes them
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values JSON texts
---@return table|nil details as `list_details` returns them
---@return string[] prefixes
---@return table counts
function M.list_level(caller, prefix, after, limit, max_bytes, delimiter, options)
    local shown = shown_by(options, 'values')
    local read = reader(prefix, after, limit, max_bytes, shown, delimiter)
    local revision, page = strict(caller, prefix, read)
    return revision, with_prefixes(page)
end

--- Lists one level as `list_level` does, on any node.
---@param caller Caller
---@param prefix string
---@param after string|nil
---@param limit number
---@param max_bytes number
---@param delimiter string
---@param options table
---@return number age as `read_stale` returns it
---@return number revision of the moment
---@return string|nil last
---@return string[] keys
---@return string[]|nil values
---@return table|nil details
---@return string[] prefixes
---@return table counts
function M.list_level_stale(caller, prefix, after, limit, max_bytes, delimiter, options)
    local shown = shown_by(options, 'values')
    local read = reader(prefix, after, limit, max_bytes, shown, delimiter)
    local age, revision, page = stale_reads.list(caller, prefix, read)
    return age, revision, with_prefixes(page)
end

return M
