--- Finds modules in a folder, whatever its path: `package.path` gives `;` and `?` a meaning
-- and has no way to quote them.
local fio = require('fio')

--- Before the folders that Tarantool searches: one of them is the current one.
local POSITION = 2

---@param folder string an absolute path
return function(folder)
    table.insert(package.loaders, POSITION, function(name)
        local base = fio.pathjoin(folder, (name:gsub('%.', '/')))
        local candidates, tried = { base .. '.lua', base .. '/init.lua' }, ''
        for _, path in ipairs(candidates) do
            if fio.path.is_file(path) then
                return assert(loadfile(path))
            end
            tried = tried .. ("\n\tno file '%s'"):format(path)
        end
        return tried
    end)
end
