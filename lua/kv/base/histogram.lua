--- Observations counted in buckets, as Prometheus has them.
local M = {}
M.__index = M

---@class Histogram
---@field bounds number[] the upper bounds of the buckets, ascending
---@field counts number[] observations of each bucket alone; the last one is above all bounds
---@field sum number of the observations

---@param bounds number[]
---@return Histogram
function M.new(bounds)
    local counts = {}
    for i = 1, #bounds + 1 do
        counts[i] = 0
    end
    return setmetatable({ bounds = bounds, counts = counts, sum = 0 }, M)
end

---@param value number
function M:observe(value)
    local bounds, i = self.bounds, 1
    while bounds[i] ~= nil and value > bounds[i] do -- most are in the first ones
        i = i + 1
    end
    self.counts[i] = self.counts[i] + 1
    self.sum = self.sum + value
end

return M
