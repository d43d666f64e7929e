--- The console's functions for accounts.
local accounts = require('kv.accounts.accounts')
local administration = require('kv.accounts.administration')
local args = require('kv.admin.args')
local format = require('kv.admin.format')
local grants = require('kv.accounts.grants')
local names = require('kv.accounts.names')

local M = {}

--- Accounts of a page without a limit: a screen.
local DEFAULT_LIMIT = 20

--- A hash of bcrypt: a salt of 22 characters and a digest of 31; of the last character of each
-- only some bits count. The service cannot check a password against anything else.
local DIGIT = '[./A-Za-z0-9]'
local BCRYPT = '^%$2b%$(%d%d)%$' .. DIGIT:rep(21) .. '[.Oeu]' .. DIGIT:rep(30)
    .. '[.CGKOSWaeimquy26]$'

--- The caller, for kv.accounts.administration.
local OPERATOR = nil

--- The range of KV_BCRYPT_ROUNDS. Each step doubles the time of a login: 3 s at 16.
M.MIN_COST, M.MAX_COST = 4, 16

local function check_new_name(name)
    args.text('name', name)
    local fault = names.fault(name)
    if fault ~= nil then
        error(('name: %s'):format(fault), 0)
    end
end

local function check_hash(hash)
    local cost = type(hash) == 'string' and tonumber(hash:match(BCRYPT))
    if not cost or cost < M.MIN_COST or cost > M.MAX_COST then
        error('password_hash: not a hash of bcrypt; python -m service.hash_password '
            .. ('makes them ($2b$, cost %d to %d)'):format(M.MIN_COST, M.MAX_COST), 0)
    end
end

local function parse_grants(given)
    local ok, found = pcall(grants.parse, given)
    if not ok then
        error(("grants: %s; see kv.admin.help('set_grants')"):format(found), 0)
    end
    return found
end

local function sentence(name, what)
    return ('account %s %s'):format(format.literal(name), what)
end

--- Executes a change of an existing account; a refusal is one line that names the account.
---@param change function of kv.accounts.administration, which takes the account after the caller
---@param name string
---@param ... any more arguments of the change
local function execute(change, name, ...)
    args.account(name)
    local ok, failure = pcall(change, OPERATOR, name, ...)
    if ok then
        return
    elseif type(failure) == 'cdata' and failure.type == 'kv.LastAdministrator' then
        args.refuse('account %s is the last enabled administrator: make another one first', name)
    end
    error(failure, 0)
end

local function create(name, password_hash, given)
    check_new_name(name)
    check_hash(password_hash)
    local granted = given ~= nil and parse_grants(given) or nil
    if accounts.find(name) ~= nil then
        args.refuse('there is an account %s already', name)
    end
    administration.create(OPERATOR, name, password_hash, granted)
    return sentence(name, 'is created')
end

local function state_of(user)
    local state = user.disabled and 'disabled' or 'enabled'
    return user.administrator and state .. ', administrator' or state
end

local function list(limit, after)
    limit = args.limit(limit, DEFAULT_LIMIT)
    args.after(after)
    local users = accounts.page(after, limit + 1)
    if #users == 0 then
        return 'no accounts'
    end
    local rows = { { 'name', 'created', 'state', 'grants' }, {} }
    for i = 1, math.min(#users, limit) do
        local user = users[i]
        table.insert(rows, {
            format.literal(user.username), format.time(user.created_at),
            state_of(user), format.grants(user.grants),
        })
    end
    if #users > limit then
        local last = format.literal(users[limit].username)
        table.insert(rows, {})
        table.insert(rows, { ('continue with kv.admin.list_accounts(%d, %s)'):format(limit, last) })
    end
    return format.columns(rows)
end

local function disable(name)
    execute(administration.change, name, { disabled = true })
    return sentence(name, 'is disabled, its tokens have ended')
end

local function enable(name)
    execute(administration.change, name, { disabled = false })
    return sentence(name, 'is enabled')
end

local function delete(name)
    execute(administration.delete, name)
    return sentence(name, 'is deleted')
end

local function make_administrator(name)
    execute(administration.change, name, { administrator = true })
    return sentence(name, 'is an administrator')
end

local function demote_administrator(name)
    execute(administration.change, name, { administrator = false })
    return sentence(name, 'is no administrator')
end

local function show_grants(name)
    local user = args.account(name)
    if #user.grants == 0 then
        return sentence(name, 'has no grants')
    end
    local rows = { { 'rights', 'prefix' }, {} }
    for _, grant in ipairs(user.grants) do
        table.insert(rows, { grant[2], format.literal(grant[1]) })
    end
    return format.columns(rows)
end

local function set_grants(name, given)
    args.account(name)
    execute(administration.change, name, { grants = parse_grants(given) })
    return sentence(name, 'has new grants')
end

local function end_tokens(name)
    execute(administration.end_tokens, name)
    return sentence(name, 'has to log in again')
end

local function set_password_hash(name, password_hash)
    args.account(name)
    check_hash(password_hash)
    execute(administration.change, name, { password_hash = password_hash })
    return sentence(name, 'has a new password, its tokens have ended')
end

M.functions = {
    {
        name = 'create_account',
        arguments = 'name, password_hash[, grants]',
        summary = 'creates an account',
        help = 'The hash is made by python -m service.hash_password. Without grants the '
            .. 'account gets those of KV_DEFAULT_GRANTS. The name is one that the service '
            .. 'accepts: 1 to ' .. names.MAX_LENGTH .. ' printable characters, in the Unicode '
            .. 'form NFC, without white space at either end.',
        example = "kv.admin.create_account('dave', '$2b$12$…', "
            .. "{{prefix = 'dave/', rights = 'rw'}})",
        writes = true,
        call = create,
    },
    {
        name = 'list_accounts',
        arguments = '[limit[, after]]',
        summary = 'lists the accounts',
        help = 'In the order of their names, 20 at a time unless a limit is given, at most '
            .. '1000; the last line shows how to continue. Times are UTC. Of many grants only '
            .. 'the first are shown: kv.admin.show_grants shows all.',
        example = "kv.admin.list_accounts(100, 'carol')",
        call = list,
    },
    {
        name = 'disable_account',
        arguments = 'name',
        summary = 'ends the tokens of an account and refuses its logins',
        help = 'Ends its open streams and deletes its access tokens, too. It keeps its password '
            .. 'and its grants: kv.admin.enable_account lets it log in again. The last enabled '
            .. 'administrator cannot be disabled.',
        example = "kv.admin.disable_account('dave')",
        writes = true,
        call = disable,
    },
    {
        name = 'enable_account',
        arguments = 'name',
        summary = 'lets a disabled account log in again',
        help = 'The tokens from before it was disabled remain invalid.',
        example = "kv.admin.enable_account('dave')",
        writes = true,
        call = enable,
    },
    {
        name = 'delete_account',
        arguments = 'name',
        summary = 'deletes an account',
        help = 'Ends its tokens, access tokens and open streams. The keys that it wrote belong '
            .. 'to the store and remain. The name is free; another account of that name gets '
            .. 'nothing of this one. The last enabled administrator cannot be deleted.',
        example = "kv.admin.delete_account('dave')",
        writes = true,
        call = delete,
    },
    {
        name = 'make_administrator',
        arguments = 'name',
        summary = 'lets an account administer the accounts',
        help = 'It may then make the calls below /api/admin, from the next call with a token of '
            .. 'the account. Its grants stay as they are.',
        example = "kv.admin.make_administrator('dave')",
        writes = true,
        call = make_administrator,
    },
    {
        name = 'demote_administrator',
        arguments = 'name',
        summary = 'takes that right from an account',
        help = 'Its tokens stay valid, but not for the calls below /api/admin. The last enabled '
            .. 'administrator cannot be demoted.',
        example = "kv.admin.demote_administrator('dave')",
        writes = true,
        call = demote_administrator,
    },
    {
        name = 'show_grants',
        arguments = 'name',
        summary = 'shows the grants of an account',
        help = 'The rights to a key are those of all prefixes that it begins with: r to '
            .. 'read, w to write and to delete.',
        example = "kv.admin.show_grants('dave')",
        call = show_grants,
    },
    {
        name = 'set_grants',
        arguments = 'name, grants',
        summary = 'sets the grants of an account',
        help = 'Replaces all its grants. Each is a prefix, and rights to the keys that begin '
            .. 'with it: r to read, w to write and to delete, rw for both. The prefix \'\' '
            .. 'is that of every key; {} revokes every right. They apply from the next call '
            .. 'with a token of the account.',
        example = "kv.admin.set_grants('dave', {{prefix = 'dave/', rights = 'rw'}, "
            .. "{prefix = 'public/', rights = 'r'}})",
        writes = true,
        call = set_grants,
    },
    {
        name = 'end_tokens',
        arguments = 'name',
        summary = 'logs an account out everywhere',
        help = 'Ends every token of the account, deletes its access tokens, and ends its open '
            .. 'streams; it may log in again at once.',
        example = "kv.admin.end_tokens('dave')",
        writes = true,
        call = end_tokens,
    },
    {
        name = 'set_password_hash',
        arguments = 'name, password_hash',
        summary = 'sets the password of an account',
        help = 'The hash is made by python -m service.hash_password, which asks for the '
            .. 'password: never type the password itself here. Ends every token of the '
            .. 'account and deletes its access tokens.',
        example = "kv.admin.set_password_hash('dave', '$2b$12$…')",
        writes = true,
        call = set_password_hash,
    },
}

return M
