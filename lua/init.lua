--- The script that Tarantool runs: finds the modules in its own folder and starts the instance,
-- configured from the environment. A failed start is reported in one line on stderr.
local fio = require('fio')

local HERE = fio.abspath(fio.dirname(debug.getinfo(1, 'S').source:sub(2)))
dofile(HERE .. '/kv/base/searcher.lua')(HERE)

local ok, reason = pcall(function()
    require('kv.script_mode').start(fio.pathjoin(fio.dirname(HERE), 'migrations'))
end)
if not ok then
    io.stderr:write(('kv: cannot start: %s\n'):format(reason))
    os.exit(1)
end
