--- Tarantool's own statistics, with the names and units of its rock `metrics` (1.x), which 2.6
-- does not have. Ratios are in percent.
local fiber = require('fiber')

local M = {}

--- Adds the numbers of a table under a prefix.
local function add_all(found, prefix, numbers)
    for name, value in pairs(numbers) do
        if type(value) == 'string' then -- a ratio
            value = value:match('^([%d.]+)%%?$')
        end
        found[prefix .. name] = tonumber(value)
    end
end

local function add_network(found)
    local net = box.stat.net()
    found.tnt_net_sent_total = net.SENT.total
    found.tnt_net_received_total = net.RECEIVED.total
    for name, metric in pairs({
        CONNECTIONS = 'tnt_net_connections',
        REQUESTS = 'tnt_net_requests',
        REQUESTS_IN_PROGRESS = 'tnt_net_requests_in_progress',
        REQUESTS_IN_STREAM_QUEUE = 'tnt_net_requests_in_stream_queue',
    }) do
        if net[name] ~= nil then
            found[metric .. '_total'] = net[name].total
            found[metric .. '_current'] = net[name].current
        end
    end
end

local function add_operations(found)
    local samples = {}
    for name, statistics in pairs(box.stat()) do
        table.insert(samples, { { operation = name:lower() }, statistics.total })
    end
    found.tnt_stats_op_total = samples
end

local function add_fibers(found)
    local count, switches, allocated, used = 0, 0, 0, 0
    for _, entry in pairs(fiber.info({ backtrace = false })) do
        count, switches = count + 1, switches + entry.csw
        allocated, used = allocated + entry.memory.total, used + entry.memory.used
    end
    found.tnt_fiber_amount = count
    found.tnt_fiber_csw = switches
    found.tnt_fiber_memalloc = allocated
    found.tnt_fiber_memused = used
end

local function add_space(found, space)
    local total = tonumber(space:bsize())
    for number, index in pairs(space.index) do
        if type(number) == 'number' then
            local bytes = tonumber(index:bsize())
            total = total + bytes
            table.insert(found.tnt_space_index_bsize,
                { { name = space.name, index_name = index.name }, bytes })
        end
    end
    local labels = { name = space.name, engine = space.engine }
    table.insert(found.tnt_space_len, { labels, space:len() })
    table.insert(found.tnt_space_bsize, { labels, tonumber(space:bsize()) })
    table.insert(found.tnt_space_total_bsize, { labels, total })
end

local function add_spaces(found)
    for _, name in ipairs({ 'len', 'bsize', 'index_bsize', 'total_bsize' }) do
        found['tnt_space_' .. name] = {}
    end
    for _, row in box.space._space:pairs(box.schema.SYSTEM_ID_MAX, { iterator = 'GT' }) do
        local space = box.space[row.id]
        if space ~= nil and not space.temporary and space.index[0] ~= nil then
            add_space(found, space)
        end
    end
end

---@param found table metrics, see kv.metrics
function M.add(found)
    add_all(found, 'tnt_info_memory_', box.info.memory())
    add_all(found, 'tnt_slab_', box.slab.info())
    add_all(found, 'tnt_runtime_', box.runtime.info())
    found.tnt_runtime_maxalloc = nil -- a constant, which the rock leaves out, too
    found.tnt_info_uptime = tonumber(box.info.uptime)
    found.tnt_read_only = box.info.ro and 1 or 0
    add_network(found)
    add_operations(found)
    add_fibers(found)
    add_spaces(found)
end

return M
