return {
    compatible = true,
    up = function()
        -- The format does not name field 8: a nullable field of it cannot have such an index, and
        -- the version before writes rows without one.
        box.space.kv_changes:create_index('key', {
            parts = {
                { field = 8, type = 'string', path = '[*]', is_nullable = true },
                { field = 1, type = 'unsigned' },
            },
        })
    end,
}
