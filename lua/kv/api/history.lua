--- Procedures of version 1: see kv.api.v1.
local M = {}

return M
