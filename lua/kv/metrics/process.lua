--- Metrics of the process that runs Tarantool, as the rock `metrics` names them.
local ffi = require('ffi')

local M = {}

-- The first fields of getrusage(2), which are the same with glibc and musl on every 64-bit
-- Linux; the rest of it is smaller than the padding.
ffi.cdef([[
    struct kv_rusage {
        long user_s, user_us, system_s, system_us;
        char rest[256];
    };
    int kv_getrusage(int who, struct kv_rusage *usage) __asm__("getrusage");
]])

local RUSAGE_SELF = 0

local function add_times(found)
    local usage = ffi.new('struct kv_rusage')
    if ffi.C.kv_getrusage(RUSAGE_SELF, usage) == 0 then
        found.tnt_cpu_user_time = tonumber(usage.user_s) + tonumber(usage.user_us) / 1e6
        found.tnt_cpu_system_time = tonumber(usage.system_s) + tonumber(usage.system_us) / 1e6
    end
end

--- /proc is in memory: reading it needs no thread of its own.
local function add_memory(found)
    local file = io.open('/proc/self/status')
    if file == nil then
        return
    end
    local text = file:read('*a')
    file:close()
    local resident, virtual = text:match('VmRSS:%s*(%d+) kB'), text:match('VmSize:%s*(%d+) kB')
    found.tnt_memory = resident and resident * 1024
    found.tnt_memory_virt = virtual and virtual * 1024
end

---@param found table metrics, see kv.metrics
function M.add(found)
    if jit.os == 'Linux' and ffi.abi('64bit') then
        add_times(found)
        add_memory(found)
    end
end

return M
