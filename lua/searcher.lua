--- Finds modules in a folder, whatever its path: `package.path` gives `;` and `?` a meaning
-- and has no way to quote them.
local fio = require('fio')

--- Before the folders that Tarantool searches: one of them is the current one.
local POSITION = 2

---@param folder string an absolute path
return function(folder)
    table.insert(package.loaders, POSITION, function(name)
        local path = ('%s/%s.lua'):format(folder, (name:gsub('%.', '/')))
        if not fio.path.is_file(path) then
            return ("\n\tno file '%s'"):format(path)
        end
        return assert(loadfile(path))
    end)
end
