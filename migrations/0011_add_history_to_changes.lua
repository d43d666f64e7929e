return {
    compatible = true,
    up = function()
        -- Rows of the versions before have no `at`: of them nothing more is known.
        box.space.kv_changes:format({
            { 'revision', 'unsigned' },
            { 'keys', 'array' },
            { 'values', 'array', is_nullable = true }, -- null, as a whole or of one: deleted
            { 'at', 'number', is_nullable = true }, -- seconds since 1970
            { 'by', 'string', is_nullable = true }, -- username; null: the collector of expired keys
            { 'account', 'unsigned', is_nullable = true }, -- its id
            { 'expiries', 'array', is_nullable = true }, -- seconds since 1970, or null, of each key
            -- A field without a name follows: see the index of the next migration.
        })
    end,
}
