return {
    up = function()
        local users = box.schema.space.create('users', {
            format = {
                { 'username', 'string' },
                { 'password_hash', 'string' },
                { 'credentials_version', 'unsigned' },
                { 'created_at', 'unsigned' }, -- seconds since 1970
            },
        })
        users:create_index('username', { parts = { 'username' } })
    end,
}
