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
        })
        -- Field 8, for the index of keys, has the keys again. A batch of more than 50 keys has the
        -- empty key in their place, which is no key of the store, and is searched: an entry for
        -- each would take as long as the rest of the write, and Tarantool allows 8,187.
        local null = box.NULL
        for _, change in box.space.kv_changes:pairs() do
            local revision, keys, values = change[1], change[2], change[3]
            box.space.kv_changes:replace({
                revision, keys, values or null, null, null, null, null,
                #keys > 50 and { '' } or keys,
            })
        end
    end,
}
