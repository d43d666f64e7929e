--- The settings of the instance: of script mode, read from the environment, and of the role, from
-- the configuration of a cluster. The role's have the names of script mode without `KV_` or
-- `KV_TARANTOOL_`, in lower case.
-- An empty variable counts as unset. A secret may be in a file: NAME_FILE is its path.
local json = require('json')

local grants = require('kv.accounts.grants')

local M = {}

local MIB = 1024 * 1024

--- The largest tuple, in bodies: the change log keeps a whole batch in one tuple, each key and
-- value with its length.
M.TUPLE_PER_BODY = 2

--- Bytes: less memory has no space for a slab of each size (kv/capacity/memory.lua).
M.MIN_MEMTX_MEMORY = 64 * MIB

--- Where settings come from: `find` returns the value with a name, or nil.
---@class Source
---@field find fun(name: string): any
---@field names table the source's names of the settings that both modes have

local environment = {
    names = {
        user = 'KV_TARANTOOL_USER',
        password = 'KV_TARANTOOL_PASSWORD',
        password_file = 'KV_TARANTOOL_PASSWORD_FILE',
        max_body = 'KV_MAX_BODY',
        changes_bytes = 'KV_CHANGES_BYTES',
        default_grants = 'KV_DEFAULT_GRANTS',
        disk_reserve = 'KV_DISK_RESERVE',
    },
}

function environment.find(name)
    local value = os.getenv(name)
    return value ~= '' and value or nil
end

--- A value from YAML as an environment variable has it; a list stays one.
local function as_text(value)
    if type(value) == 'number' and value % 1 == 0 then
        return ('%.0f'):format(value)
    end
    return type(value) == 'table' and value or tostring(value)
end

--- The options of the role, each once.
---@param options any
---@return Source
local function options_source(options)
    if options == nil then
        options = {}
    elseif type(options) ~= 'table' then
        error('expected settings by their names', 0)
    end
    local source, known = { names = {} }, {}
    for name in pairs(environment.names) do
        source.names[name] = name
        table.insert(known, name)
    end
    table.sort(known)
    for name in pairs(options) do
        if environment.names[name] == nil then
            error(('%s is not known: expected one of %s'):format(
                tostring(name), table.concat(known, ', ')), 0)
        end
    end
    function source.find(name)
        local value = options[name]
        return value ~= nil and value ~= '' and as_text(value) or nil
    end
    return source
end

local function bytes(source, name, default, least)
    local text = tostring(source.find(name) or default)
    local value = text:match('^%d+$') and tonumber(text)
    least = least or 1
    if not value or value < least then
        local sentence = '%s is %q: expected a number of bytes, at least %d'
        error(sentence:format(name, text, least), 0)
    end
    return value
end

local function choice(source, name, default, allowed)
    local value = source.find(name) or default
    for _, candidate in ipairs(allowed) do
        if value == candidate then
            return value
        end
    end
    error(('%s is %q: expected one of %s'):format(name, value, table.concat(allowed, ', ')), 0)
end

local function content_of(path)
    local file, reason = io.open(path, 'r')
    if file == nil then
        error(reason, 0)
    end
    local text = file:read('*a')
    file:close()
    return (text:gsub('[\r\n]+$', ''))
end

local function secret(source, name, name_of_file)
    local path = source.find(name_of_file)
    local value = source.find(name) or (path and content_of(path))
    if value == nil or value == '' then
        error(('expected %s or %s'):format(name, name_of_file), 0)
    end
    return tostring(value)
end

--- Grants from a JSON text or, in YAML, from a list.
local function default_grants(source, name)
    local given = source.find(name) or '[{"prefix": "", "rights": "rw"}]'
    if type(given) == 'string' then
        local text = given
        local ok, decoded = pcall(json.decode, text)
        local is_list = ok and text:match('^%s*%[') -- {} is decoded to an empty table, too
        given = is_list and decoded
    end
    local valid, found = pcall(grants.parse, given)
    if not valid then
        error(('%s: %s'):format(name, found), 0)
    end
    return found
end

--- The service's own account in Tarantool: a start sets its rights and its password.
local function service_account(source, name, default)
    local user = tostring(source.find(name) or default)
    for _, built_in in ipairs({ 'admin', 'guest', 'public', 'replication', 'super' }) do
        if user == built_in then
            error(('%s is %q: a built-in account of Tarantool'):format(name, user), 0)
        end
    end
    return user
end

--- The settings of both modes.
---@param source Source
---@return table settings
local function read_common(source)
    local names = source.names
    return {
        user = service_account(source, names.user, 'kv_service'),
        password = secret(source, names.password, names.password_file),
        max_tuple_size = bytes(source, names.max_body, 16 * MIB) * M.TUPLE_PER_BODY,
        changes_bytes = bytes(source, names.changes_bytes, 64 * MIB, 0),
        default_grants = default_grants(source, names.default_grants),
        disk_reserve = bytes(source, names.disk_reserve, 64 * MIB, 0),
    }
end

--- Reads the settings of script mode.
---@return table settings
function M.read()
    local settings = read_common(environment)
    settings.listen = environment.find('KV_TARANTOOL_LISTEN') or '3301'
    settings.data_dir = environment.find('KV_DATA_DIR') or './var'
    settings.wal_mode = choice(environment, 'KV_WAL_MODE', 'fsync', { 'fsync', 'write' })
    settings.memtx_memory = bytes(environment, 'KV_MEMTX_MEMORY', 256 * MIB, M.MIN_MEMTX_MEMORY)
    settings.parent_pid = tonumber(environment.find('KV_PARENT_PID'))
    return settings
end

--- Reads the settings of the role.
---@param options any as the configuration of the cluster has them
---@return table settings
function M.read_options(options)
    return read_common(options_source(options))
end

return M
