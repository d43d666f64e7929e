--- The console's functions for access tokens.
local access_tokens = require('kv.accounts.access_tokens')
local args = require('kv.admin.args')
local format = require('kv.admin.format')

local M = {}

local function time_or(seconds, otherwise)
    return seconds ~= nil and format.time(seconds) or otherwise
end

local function list(name)
    local tokens = access_tokens.of(args.account(name))
    if #tokens == 0 then
        return ('account %s has no access tokens'):format(format.literal(name))
    end
    local rows = { { 'id', 'name', 'created', 'expires', 'last used', 'grants' }, {} }
    for _, token in ipairs(tokens) do
        table.insert(rows, {
            tostring(tonumber(token.id)), format.literal(token.name),
            format.time(token.created_at), time_or(token.expires_at, 'never'),
            time_or(access_tokens.last_use(token), 'never'),
            token.grants == nil and 'those of the account' or format.grants(token.grants),
        })
    end
    return format.columns(rows)
end

local function delete(id)
    if type(id) ~= 'number' then
        error('id: expected a number', 0)
    end
    local token = access_tokens.find_by_id(id)
    if token == nil then
        error(('there is no access token %s'):format(id), 0)
    end
    access_tokens.delete(token)
    return ('access token %s of account %s is deleted'):format(id, format.literal(token.username))
end

M.functions = {
    {
        name = 'list_access_tokens',
        arguments = 'name',
        summary = 'lists the access tokens of an account',
        help = 'The oldest first. Times are UTC; the last use is exact to the minute. The '
            .. 'grants of a token count as far as the account has them, too.',
        example = "kv.admin.list_access_tokens('dave')",
        call = list,
    },
    {
        name = 'delete_access_token',
        arguments = 'id',
        summary = 'deletes an access token',
        help = 'Refuses it from the next call on, and ends its open streams. '
            .. 'kv.admin.list_access_tokens shows the ids.',
        example = 'kv.admin.delete_access_token(17)',
        writes = true,
        call = delete,
    },
}

return M
