--- A bounded cache: two-generation LRU.
--
-- A key that is put or found belongs to the young generation. When that is full, it becomes
-- the old one, and the previous old generation, which nothing has used since, is dropped as a
-- whole. Nothing is sorted or swept, and no operation costs more than another.
local M = {}
M.__index = M

---@param size number keys of a generation: the `size` used last are kept, at most twice as many
function M.new(size)
    return setmetatable({ size = size, count = 0, young = {}, old = {} }, M)
end

---@param key string
---@return any|nil
function M:get(key)
    local value = self.young[key]
    if value == nil then
        value = self.old[key]
        if value ~= nil then
            self.old[key] = nil
            self:put(key, value)
        end
    end
    return value
end

---@param key string
---@param value any not nil
function M:put(key, value)
    if self.young[key] == nil then
        if self.count == self.size then
            self.young, self.old, self.count = {}, self.young, 0
        end
        self.count = self.count + 1
        self.old[key] = nil
    end
    self.young[key] = value
end

return M
