return {
    compatible = true,
    up = function()
        local access_tokens = box.schema.space.create('access_tokens', {
            format = {
                { 'hash', 'string' }, -- SHA-256 of the token, in hexadecimal digits
                { 'account', 'unsigned' }, -- its id
                { 'id', 'unsigned' }, -- never given twice, from the counter of credentials
                { 'username', 'string' }, -- of the account
                { 'name', 'string' },
                { 'grants', 'array', is_nullable = true }, -- null: all those of the account
                { 'created_at', 'unsigned' }, -- seconds since 1970
                { 'expires_at', 'number', is_nullable = true }, -- seconds since 1970
            },
        })
        access_tokens:create_index('hash', { parts = { 'hash' } })
        access_tokens:create_index('account', { parts = { 'account', 'id' } })
        access_tokens:create_index('expires_at', {
            parts = {
                { field = 'expires_at', type = 'number', is_nullable = true },
                { field = 'id', type = 'unsigned' },
            },
        })

        -- In a space of its own: a use is no change of the token.
        local uses = box.schema.space.create('access_token_uses', {
            format = {
                { 'id', 'unsigned' }, -- of the token
                { 'last_used_at', 'unsigned' }, -- seconds since 1970
            },
        })
        uses:create_index('id', { parts = { 'id' } })
    end,
}
