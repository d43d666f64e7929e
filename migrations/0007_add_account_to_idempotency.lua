return {
    up = function()
        local idempotency = box.space.idempotency
        idempotency:format({
            { 'username', 'string' },
            { 'key', 'string' },
            { 'fingerprint', 'string' },
            { 'outcome', 'array' },
            { 'expires_at', 'number' }, -- seconds since 1970
            { 'account', 'unsigned', is_nullable = true }, -- its id
        })
        for _, kept in idempotency:pairs() do
            local user = box.space.users:get(kept.username)
            if user ~= nil then
                idempotency:update({ kept.username, kept.key }, { { '=', 6, user.id } })
            end
        end
    end,
}
