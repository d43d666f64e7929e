return {
    up = function()
        local kv_changes = box.schema.space.create('kv_changes', {
            format = {
                { 'revision', 'unsigned' },
                { 'keys', 'array' },
                { 'values', 'array', is_nullable = true }, -- none: the keys were deleted
            },
        })
        kv_changes:create_index('revision', { parts = { 'revision' } })
    end,
}
