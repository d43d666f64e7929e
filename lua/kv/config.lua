--- The settings of the instance, read from the environment.
-- An empty variable counts as unset. A secret may be in a file: NAME_FILE is its path.
local json = require('json')

local grants = require('kv.accounts.grants')

local M = {}

local MIB = 1024 * 1024

--- The largest tuple, in bodies: the change log keeps a whole batch in one tuple, each key and
-- value with its length.
M.TUPLE_PER_BODY = 2

--- Bytes: less memory has no space for a slab of each size (kv/capacity/memory.lua).
local MIN_MEMTX_MEMORY = 64 * MIB

local function variable(name, default)
    local value = os.getenv(name)
    if value == nil or value == '' then
        return default
    end
    return value
end

local function bytes(name, default, least)
    local text = variable(name, tostring(default))
    local value = text:match('^%d+$') and tonumber(text)
    least = least or 1
    if not value or value < least then
        local sentence = '%s is %q: expected a number of bytes, at least %d'
        error(sentence:format(name, text, least), 0)
    end
    return value
end

local function choice(name, default, allowed)
    local value = variable(name, default)
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

local function secret(name)
    local path = variable(name .. '_FILE')
    local value = variable(name) or (path and content_of(path))
    if value == nil or value == '' then
        error(('expected %s or %s_FILE'):format(name, name), 0)
    end
    return value
end

local function default_grants(name)
    local text = variable(name, '[{"prefix": "", "rights": "rw"}]')
    local ok, given = pcall(json.decode, text)
    local is_list = ok and text:match('^%s*%[') -- {} is decoded to an empty table, too
    local valid, found = pcall(grants.parse, is_list and given)
    if not valid then
        error(('%s: %s'):format(name, found), 0)
    end
    return found
end

--- The service's own account in Tarantool: a start sets its rights and its password.
local function service_account(name, default)
    local user = variable(name, default)
    for _, built_in in ipairs({ 'admin', 'guest', 'public', 'replication', 'super' }) do
        if user == built_in then
            error(('%s is %q: a built-in account of Tarantool'):format(name, user), 0)
        end
    end
    return user
end

---@return table settings
function M.read()
    return {
        listen = variable('KV_TARANTOOL_LISTEN', '3301'),
        user = service_account('KV_TARANTOOL_USER', 'kv_service'),
        password = secret('KV_TARANTOOL_PASSWORD'),
        data_dir = variable('KV_DATA_DIR', './var'),
        wal_mode = choice('KV_WAL_MODE', 'fsync', { 'fsync', 'write' }),
        memtx_memory = bytes('KV_MEMTX_MEMORY', 256 * MIB, MIN_MEMTX_MEMORY),
        max_tuple_size = bytes('KV_MAX_BODY', 16 * MIB) * M.TUPLE_PER_BODY,
        changes_bytes = bytes('KV_CHANGES_BYTES', 64 * MIB, 0),
        default_grants = default_grants('KV_DEFAULT_GRANTS'),
        disk_reserve = bytes('KV_DISK_RESERVE', 64 * MIB, 0),
        parent_pid = tonumber(variable('KV_PARENT_PID')),
    }
end

return M
