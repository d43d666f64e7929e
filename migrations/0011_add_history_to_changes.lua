--- 2.x refuses an index over a nullable array. So there every row must have it.
local IS_3 = tonumber(box.info.version:match('^%d+')) >= 3

return {
    compatible = true,
    up = function()
        local log = box.space.kv_changes
        if not IS_3 then
            log:truncate()
        end
        -- Rows of the versions before have no `at`: of them nothing more is known.
        log:format({
            { 'revision', 'unsigned' },
            { 'keys', 'array' },
            { 'values', 'array', is_nullable = true }, -- null, as a whole or of one: deleted
            { 'at', 'number', is_nullable = true }, -- seconds since 1970
            { 'by', 'string', is_nullable = true }, -- username; null: the collector of expired keys
            { 'account', 'unsigned', is_nullable = true }, -- its id
            { 'expiries', 'array', is_nullable = true }, -- seconds since 1970, or null, of each key
            -- The keys again, those of a large batch not: the empty key, which is none of the
            -- store, stands for them. For the index of the migration that builds it. Rows of the
            -- versions before lack it, also those that a node writes in a rolling upgrade.
            { 'indexed_keys', 'array', is_nullable = IS_3 },
        })
    end,
}
