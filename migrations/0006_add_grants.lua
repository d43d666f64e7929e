return {
    up = function()
        -- First: over many rows it yields, which no transaction with other changes may.
        box.space.users:format({
            { 'username', 'string' },
            { 'password_hash', 'string' },
            { 'credentials_version', 'unsigned' },
            { 'created_at', 'unsigned' }, -- seconds since 1970
            { 'disabled', 'boolean', is_nullable = true },
            { 'grants', 'array', is_nullable = true }, -- each {prefix, rights}
            { 'id', 'unsigned', is_nullable = true }, -- never given twice, unlike a name
        })

        -- One counter for ids and versions, so that no token of a deleted account is good
        -- for another one of the same name.
        local last = 0
        for _, user in box.space.users:pairs() do
            last = math.max(last, tonumber(user.credentials_version))
        end
        for _, user in box.space.users:pairs() do
            last = last + 1
            box.space.users:update(user.username, {
                { '=', 5, false },
                { '=', 6, { { '', 'rw' } } },
                { '=', 7, last },
            })
        end
        box.space.kv_meta:insert({ 'credentials', last })
    end,
}
