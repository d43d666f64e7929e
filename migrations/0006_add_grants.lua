return {
    up = function()
        local users, idempotency = box.space.users, box.space.idempotency
        users:format({
            { 'username', 'string' },
            { 'password_hash', 'string' },
            { 'credentials_version', 'unsigned' },
            { 'created_at', 'unsigned' }, -- seconds since 1970
            { 'disabled', 'boolean', is_nullable = true },
            { 'grants', 'array', is_nullable = true }, -- each {prefix, rights}
            { 'id', 'unsigned', is_nullable = true }, -- never given twice, unlike a name
        })
        idempotency:format({
            { 'username', 'string' },
            { 'key', 'string' },
            { 'fingerprint', 'string' },
            { 'outcome', 'array' },
            { 'expires_at', 'number' }, -- seconds since 1970
            { 'account', 'unsigned', is_nullable = true }, -- its id
        })

        -- One counter for ids and versions, so that no token of a deleted account is good
        -- for another one of the same name.
        local last = 0
        for _, user in users:pairs() do
            last = math.max(last, tonumber(user.credentials_version))
        end
        for _, user in users:pairs() do
            last = last + 1
            users:update(user.username, {
                { '=', 5, false },
                { '=', 6, { { '', 'rw' } } },
                { '=', 7, last },
            })
        end
        box.space.kv_meta:insert({ 'credentials', last })
        for _, kept in idempotency:pairs() do
            local user = users:get(kept.username)
            if user ~= nil then
                idempotency:update({ kept.username, kept.key }, { { '=', 6, user.id } })
            end
        end
    end,
}
