return {
    compatible = true,
    up = function()
        -- Of a function, not of the path `keys[*]`: for that each tuple would have 4 bytes of
        -- metadata for each key, and Tarantool allows 32 KiB, a batch of 8,187 keys.
        box.space.kv_changes:create_index('key', {
            parts = { { 1, 'string' }, { 2, 'unsigned' } }, -- key, revision
            func = 'kv_keys_of_change',
        })
    end,
}
