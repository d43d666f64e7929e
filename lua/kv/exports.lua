--- The procedures by name and version, and their deployment into the instance.
local admin = require('kv.admin')
local join_gate = require('kv.base.join_gate')
local leader = require('kv.base.leader')
local lease = require('kv.base.lease')

local M = {}

--- Every version of the procedures: the service may call their functions, and no others. They
-- are offered side by side.
local VERSIONS = { v1 = require('kv.api.v1') }

--- Has the right to execute the procedures, and no other right.
local ROLE = 'kv_api'

local function names()
    local found = {}
    for version, procedures in pairs(VERSIONS) do
        for name in pairs(procedures) do
            found[('kv.%s.%s'):format(version, name)] = true
        end
    end
    return found
end

--- Procedures that every node of a cluster answers, not only the leader: the state and the
-- metrics of the node, and reads that may be stale. For those the migrations must have arrived: a
-- compatible one lets the previous version run on its result, not this version without it.
local ON_EVERY_NODE = {
    status = function() end,
    metrics = function() end,
    get_stale = leader.check_prepared,
    get_stale_each = leader.check_prepared,
    list_details_stale = leader.check_prepared,
    list_level_stale = leader.check_prepared,
    list_page_stale = leader.check_prepared,
    list_stale = leader.check_prepared,
    read_stale = leader.check_prepared,
    read_stale_each = leader.check_prepared,
}

--- Procedures that check the lease themselves, and procedures that write: their confirmed result
-- must not be lost. The others return what they have read.
local CHECKED_INSIDE = {
    begin_sign_up = true,
    change_account = true,
    change_password = true,
    create_access_token = true,
    create_account = true,
    create_administrator = true,
    create_user = true,
    delete = true,
    delete_access_token = true,
    delete_account = true,
    delete_user = true,
    end_account_tokens = true,
    end_login = true,
    end_tokens = true,
    get_each = true,
    import_batch = true,
    increment = true,
    put = true,
    put_each = true,
    read_each = true,
    rehash = true,
    set_password = true,
    write = true,
}

local function guarded(name, procedure)
    local check = ON_EVERY_NODE[name]
    if check ~= nil then
        return function(...)
            check()
            return procedure(...)
        end
    end
    local strict = lease.strict(procedure, not CHECKED_INSIDE[name])
    return function(...)
        join_gate.wait()
        return strict(...)
    end
end

--- Publishes the procedures in the global table `kv`, where call() finds them, next to the
-- functions for operators, `kv.admin`. In a cluster only the leader executes most of them.
function M.publish()
    local root = { admin = admin.functions() }
    for version, procedures in pairs(VERSIONS) do
        root[version] = {}
        for name, procedure in pairs(procedures) do
            root[version][name] = leader.is_clustered() and guarded(name, procedure) or procedure
        end
    end
    rawset(_G, 'kv', root)
end

--- Removes what was published. Tarantool would go on calling it.
function M.withdraw()
    rawset(_G, 'kv', nil)
end

local function drop_stale(current)
    for _, func in box.space._func:pairs() do
        if func.name:match('^kv%.v%d+%.') and not current[func.name] then
            box.schema.func.drop(func.name)
        end
    end
end

--- Revokes what every account is created with: the role `public`, with its views of the schema
-- and, in 2.x, the function `LUA`, which runs any code as admin; and the right to alter itself.
local function strip(user)
    local options = { if_exists = true }
    box.schema.user.revoke(user, 'public', nil, nil, options)
    box.schema.user.revoke(user, 'alter', 'user', user, options)
end

--- Sets a password that differs from the stored one: a start on a full disk must have nothing
-- to write.
local function set_password(user, password)
    local stored = box.space._user.index.name:get(user)[5]['chap-sha1']
    if stored ~= box.schema.user.password(password) then
        box.schema.user.passwd(user, password)
    end
end

--- Creates and grants the procedures, drops stale ones; writes nothing where all is in place.
-- In a cluster a procedure that is unknown here may be one of a newer node: it stays.
---@param user string the service's account
---@param password string
function M.deploy(user, password)
    local current = names()
    box.atomic(function()
        box.schema.role.create(ROLE, { if_not_exists = true })
        for name in pairs(current) do
            box.schema.func.create(name, { setuid = true, if_not_exists = true })
            box.schema.role.grant(ROLE, 'execute', 'function', name, { if_not_exists = true })
        end
        if not leader.is_clustered() then
            drop_stale(current)
        end
        box.schema.user.create(user, { if_not_exists = true })
        set_password(user, password)
        box.schema.user.grant(user, ROLE, nil, nil, { if_not_exists = true })
        strip(user)
        strip('guest')
    end)
end

return M
