return {
    up = function()
        -- a hash begins with its cost: the highest one is asked for at every login
        box.space.users:create_index('password_hash', {
            parts = { 'password_hash' },
            unique = false,
        })
    end,
}
