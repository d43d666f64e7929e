--- A table that forgets: of its keys it keeps those used last, a bounded number.
--
-- There are two generations. What is put or found is in the young one; when that is full, it
-- becomes the old one, and what was old, which nobody has asked for since, is dropped whole.
-- So nothing is sorted, nothing is swept, and no step costs more than another.
local M = {}
M.__index = M

---@param size number keys of a generation: it holds the `size` used last, at most twice that
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
