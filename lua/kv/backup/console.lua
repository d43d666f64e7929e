--- Calls to a running instance over its operators' console.
local digest = require('digest')
local fio = require('fio')
local msgpack = require('msgpack')
local socket = require('socket')

local M = {}
M.__index = M

--- Seconds for the greeting of an instance.
local GREETING_TIMEOUT = 10

--- Decodes a call and encodes its result as one word, because the console prints YAML.
local LINE = "return require('kv.backup.console').answer('%s')\n"

local function encoded(value)
    return digest.base64_encode(msgpack.encode(value), { nowrap = true })
end

local function decoded(text)
    return (msgpack.decode(digest.base64_decode(text)))
end

--- Calls a function of `kv.backup.live`, in the instance.
---@param call string
---@return string encoded_result
function M.answer(call)
    local name, args = unpack(decoded(call))
    local ok, result = pcall(require('kv.backup.live')[name], unpack(args))
    return encoded({ ok, ok and result or tostring(result) })
end

--- Opens a socket through a descriptor of its folder: its path has 107 bytes at most (unix(7)).
local function open_socket(path)
    local folder = fio.open(fio.dirname(path), { 'O_RDONLY' })
    if folder == nil then
        return nil
    end
    local short = ('/proc/self/fd/%d/%s'):format(folder.fh, fio.basename(path))
    local connection = socket.tcp_connect('unix/', short)
    folder:close()
    return connection
end

---@param path string of the socket
function M.connect(path)
    local connection = open_socket(path)
    local greeting = connection and connection:read('\n', GREETING_TIMEOUT)
    if greeting == nil or greeting == '' then
        error(('no instance answers on %s'):format(path), 0)
    end
    connection:read('\n', GREETING_TIMEOUT)
    return setmetatable({ connection = connection }, M)
end

--- Calls a function of `kv.backup.live` in the instance; raises what it raises.
---@param name string
function M:call(name, ...)
    self.connection:write(LINE:format(encoded({ name, { ... } })))
    local reply = self.connection:read('\n...\n')
    local encoded_result = reply and reply:match('^%-%-%-\n%- [\'"]?([%w+/=]+)[\'"]?\n')
    if encoded_result == nil then
        error('the instance has ended, or does not know this program', 0)
    end
    local ok, result = unpack(decoded(encoded_result))
    if not ok then
        error(result, 0)
    end
    return result
end

return M
