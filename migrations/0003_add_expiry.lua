return {
    up = function()
        box.space.kv:format({
            { 'key', 'string' },
            { 'value', 'string' }, -- JSON text
            { 'revision', 'unsigned' },
            { 'expires_at', 'number', is_nullable = true }, -- seconds since 1970
        })

        -- A space, not an index of kv: that would hold every key, for each write to pay.
        local kv_expiry = box.schema.space.create('kv_expiry', {
            format = {
                { 'expires_at', 'number' },
                { 'key', 'string' },
            },
        })
        kv_expiry:create_index('expires_at', { parts = { 'expires_at', 'key' } })
    end,
}
