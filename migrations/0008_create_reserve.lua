return {
    up = function()
        -- Memory kept back for deletions, of each instance by itself: in no log, no snapshot.
        local reserve = box.schema.space.create('kv_reserve', {
            temporary = true,
            format = {
                { 'number', 'unsigned' },
                { 'ballast', 'string' },
            },
        })
        reserve:create_index('number', { parts = { 'number' } })
    end,
}
