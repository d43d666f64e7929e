--- The procedures by name and version, and their way into the instance.
-- A version never changes its meaning: another signature is `v2`, in a file of its own, and
-- both are offered side by side.
local admin = require('kv.admin')
local kv_v1 = require('kv.api.v1')
local users_v1 = require('kv.api.users_v1')

local M = {}

--- Holds the right to execute the procedures, and no other right.
local ROLE = 'kv_api'

--- Everything that the service may call.
local PROCEDURES = {
    ['kv.v1.status'] = function() return { read_only = box.info.ro } end,
    ['kv.v1.begin_sign_up'] = users_v1.begin_sign_up,
    ['kv.v1.has_user'] = users_v1.has_user,
    ['kv.v1.create_user'] = users_v1.create_user,
    ['kv.v1.begin_login'] = users_v1.begin_login,
    ['kv.v1.end_login'] = users_v1.end_login,
    ['kv.v1.rehash'] = users_v1.rehash,
    ['kv.v1.account'] = users_v1.account,
    ['kv.v1.end_tokens'] = users_v1.end_tokens,
    ['kv.v1.set_password'] = users_v1.set_password,
    ['kv.v1.delete_user'] = users_v1.delete_user,
    ['kv.v1.put'] = kv_v1.put,
    ['kv.v1.put_each'] = kv_v1.put_each,
    ['kv.v1.get'] = kv_v1.get,
    ['kv.v1.get_each'] = kv_v1.get_each,
    ['kv.v1.delete'] = kv_v1.delete,
    ['kv.v1.increment'] = kv_v1.increment,
    ['kv.v1.list'] = kv_v1.list,
    ['kv.v1.changes'] = kv_v1.changes,
    ['kv.v1.follow'] = kv_v1.follow,
}

--- Puts the procedures under the global `kv`, where call() finds them, and beside them what
-- is for the operators alone.
function M.publish()
    local root = { admin = admin.functions() }
    for path, procedure in pairs(PROCEDURES) do
        local version, name = path:match('^kv%.(%w+)%.([%w_]+)$')
        root[version] = root[version] or {}
        root[version][name] = procedure
    end
    rawset(_G, 'kv', root)
end

local function drop_stale()
    for _, func in box.space._func:pairs() do
        if func.name:match('^kv%.v%d+%.') and PROCEDURES[func.name] == nil then
            box.schema.func.drop(func.name)
        end
    end
end

--- Takes from an account what every account is born with: the role `public`, with its views
-- of the schema and, in 2.x, the function `LUA`, which runs any code as admin; and the right
-- to change itself.
local function strip(user)
    local options = { if_exists = true }
    box.schema.user.revoke(user, 'public', nil, nil, options)
    box.schema.user.revoke(user, 'alter', 'user', user, options)
end

--- Only where it is another one: a start on a full disk must have nothing to write.
local function set_password(user, password)
    local stored = box.space._user.index.name:get(user)[5]['chap-sha1']
    if stored ~= box.schema.user.password(password) then
        box.schema.user.passwd(user, password)
    end
end

--- Creates, grants, drops what is stale; changes nothing when all is in place.
---@param user string the account of the service
---@param password string
function M.deploy(user, password)
    box.atomic(function()
        box.schema.role.create(ROLE, { if_not_exists = true })
        for name in pairs(PROCEDURES) do
            box.schema.func.create(name, { setuid = true, if_not_exists = true })
            box.schema.role.grant(ROLE, 'execute', 'function', name, { if_not_exists = true })
        end
        drop_stale()
        box.schema.user.create(user, { if_not_exists = true })
        set_password(user, password)
        box.schema.user.grant(user, ROLE, nil, nil, { if_not_exists = true })
        strip(user)
        strip('guest')
    end)
end

return M
