return {
    up = function()
        local kv = box.schema.space.create('kv', {
            format = {
                { 'key', 'string' },
                { 'value', 'string' }, -- JSON text
                { 'revision', 'unsigned' },
            },
        })
        -- TREE over binary strings: byte order, which listing needs
        kv:create_index('key', { type = 'TREE', parts = { 'key' } })

        local meta = box.schema.space.create('kv_meta', {
            format = {
                { 'name', 'string' },
                { 'value', 'unsigned' },
            },
        })
        meta:create_index('name', { parts = { 'name' } })
        meta:insert({ 'revision', 0 })
    end,
}
