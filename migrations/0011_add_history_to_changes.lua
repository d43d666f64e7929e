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
        -- For the index of the migration that builds it, over rows that exist already. A batch of
        -- more than 50 keys has one entry, of the empty key, which is no key of the store, and is
        -- searched: an entry for each key would take as long as the rest of the write.
        box.schema.func.create('kv_keys_of_change', {
            body = [[function(change)
                local revision, keys, found = change[1], change[2], {}
                if #keys > 50 then
                    return { { '', revision } }
                end
                for i = 1, #keys do
                    found[i] = { keys[i], revision }
                end
                return found
            end]],
            is_deterministic = true,
            is_sandboxed = true,
            opts = { is_multikey = true },
        })
    end,
}
