"""A store whose memory for data is full."""

#: The smallest memory that Tarantool starts with and that takes some values of 1 MiB.
TINY_MEMORY = str(64 * 1024 * 1024)

#: Fills the memory for data to its last hundred bytes.
FILL = """
box.atomic(function()
    local n = 0
    for _, size in ipairs({ 1000000, 10000, 100, 1 }) do
        local kv, value = box.space.kv, ('x'):rep(size)
        repeat n = n + 1 until not pcall(kv.insert, kv, { 'k' .. n, value, 1 })
    end
end)
"""
