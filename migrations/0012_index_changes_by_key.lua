return {
    compatible = true,
    up = function()
        -- Field 8 has the keys again, those of a large batch not: the empty key, which is none of
        -- the store, stands for them. Rows of the versions before lack it, also those that a node
        -- writes in a rolling upgrade. It has no name, because 2.x refuses an index over a nullable
        -- array of the format.
        --
        -- Not over `keys`: there each tuple would have 4 bytes of metadata for each key, and
        -- Tarantool allows 32 KiB, a batch of 8,186 keys. And a write of thousands of keys would
        -- take twice as long. A function instead of a second field would be called for each write
        -- and each removal.
        box.space.kv_changes:create_index('key', {
            parts = {
                { field = 8, type = 'string', path = '[*]', is_nullable = true },
                { field = 'revision', type = 'unsigned' },
            },
        })
    end,
}
