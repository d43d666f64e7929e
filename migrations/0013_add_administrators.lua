return {
    compatible = true,
    up = function()
        box.space.users:format({
            { 'username', 'string' },
            { 'password_hash', 'string' },
            { 'credentials_version', 'unsigned' },
            { 'created_at', 'unsigned' }, -- seconds since 1970
            { 'disabled', 'boolean', is_nullable = true },
            { 'grants', 'array', is_nullable = true }, -- each {prefix, rights}
            { 'id', 'unsigned', is_nullable = true }, -- never given twice, unlike a name
            { 'administrator', 'boolean', is_nullable = true }, -- null: it is none
        })
    end,
}
