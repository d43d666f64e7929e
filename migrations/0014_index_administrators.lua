return {
    compatible = true,
    up = function()
        -- the last one that is enabled must stay
        box.space.users:create_index('administrator', {
            parts = {
                { field = 'administrator', type = 'boolean', is_nullable = true },
                { field = 'username', type = 'string' },
            },
        })
    end,
}
