return {
    compatible = true,
    up = function()
        -- Not over `keys`: there each tuple would have 4 bytes of metadata for each key, and
        -- Tarantool allows 32 KiB, a batch of 8,186 keys. And a write of thousands of keys would
        -- take twice as long. A function instead of a second field would be called for each write
        -- and each removal.
        box.space.kv_changes:create_index('key', {
            parts = {
                { field = 'indexed_keys', type = 'string', path = '[*]' },
                { field = 'revision', type = 'unsigned' },
            },
        })
    end,
}
