return {
    compatible = true,
    up = function()
        -- Rows of the versions before have no `at`: of them nothing more is known.
        local kv_changes = box.space.kv_changes
        kv_changes:format({
            { 'revision', 'unsigned' },
            { 'keys', 'array' },
            { 'values', 'array', is_nullable = true }, -- null, as a whole or of one: deleted
            { 'at', 'number', is_nullable = true }, -- seconds since 1970
            { 'by', 'string', is_nullable = true }, -- username; null: the collector of expired keys
            { 'account', 'unsigned', is_nullable = true }, -- its id
            { 'expiries', 'array', is_nullable = true }, -- seconds since 1970, or null, of each key
        })
        -- 19 bytes for each key of a write; a row of its own for each would take several times that
        kv_changes:create_index('key', {
            parts = {
                { field = 'keys', type = 'string', path = '[*]' },
                { field = 'revision', type = 'unsigned' },
            },
        })
    end,
}
