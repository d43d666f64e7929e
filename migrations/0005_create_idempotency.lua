return {
    up = function()
        local idempotency = box.schema.space.create('idempotency', {
            format = {
                { 'username', 'string' },
                { 'key', 'string' },
                { 'fingerprint', 'string' },
                { 'outcome', 'array' },
                { 'expires_at', 'number' }, -- seconds since 1970
            },
        })
        idempotency:create_index('key', { parts = { 'username', 'key' } })
        idempotency:create_index('expires_at', { parts = { 'expires_at' }, unique = false })
    end,
}
