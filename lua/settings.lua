--- The one reader of this instance's environment.
-- An empty variable counts as unset. A secret may come as a file: NAME_FILE holds its path.
local json = require('json')

local grants = require('users.grants')

local M = {}

local MIB = 1024 * 1024

--- What a tuple takes at the most, in bodies: the log keeps a whole batch in one, and each
-- key and value with a length in front.
local TUPLE_PER_BODY = 2

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
    if not value or value < (least or 1) then
        error(('%s is %q: a number of bytes is wanted'):format(name, text), 0)
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
    error(('%s is %q: one of %s is wanted'):format(name, value, table.concat(allowed, ', ')), 0)
end

local function content(path)
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
    local value = variable(name) or (path and content(path))
    if value == nil or value == '' then
        error(('%s or %s_FILE is wanted'):format(name, name), 0)
    end
    return value
end

local function granted(name)
    local ok, given = pcall(json.decode, variable(name, '[{"prefix": "", "rights": "rw"}]'))
    local valid, found = pcall(grants.from_people, ok and given)
    if not valid then
        error(('%s: %s'):format(name, found), 0)
    end
    return found
end

--- An account of the service's own: what is deployed changes its rights and its password.
local function account(name, default)
    local user = variable(name, default)
    for _, built_in in ipairs({ 'admin', 'guest', 'public', 'replication', 'super' }) do
        if user == built_in then
            error(('%s is %q: an account of Tarantool itself'):format(name, user), 0)
        end
    end
    return user
end

---@return table settings
function M.read()
    return {
        listen = variable('KV_TARANTOOL_LISTEN', '3301'),
        user = account('KV_TARANTOOL_USER', 'kv_service'),
        password = secret('KV_TARANTOOL_PASSWORD'),
        data_dir = variable('KV_DATA_DIR', './var'),
        wal_mode = choice('KV_WAL_MODE', 'fsync', { 'fsync', 'write' }),
        memtx_memory = bytes('KV_MEMTX_MEMORY', 256 * MIB),
        max_tuple_size = bytes('KV_MAX_BODY', 16 * MIB) * TUPLE_PER_BODY,
        changes_bytes = bytes('KV_CHANGES_BYTES', 64 * MIB, 0),
        default_grants = granted('KV_DEFAULT_GRANTS'),
        disk_reserve = bytes('KV_DISK_RESERVE', 64 * MIB, 0),
        parent_pid = tonumber(variable('KV_PARENT_PID')),
    }
end

return M
