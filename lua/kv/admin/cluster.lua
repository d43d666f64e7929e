--- The console's functions for a cluster.
local handover = require('kv.data.handover')
local leader = require('kv.base.leader')

local M = {}

local function step_down()
    if not leader.is_clustered() then
        error('this is a single instance: there is no other node that could lead', 0)
    end
    if not leader.leads() then
        local name = leader.name()
        error(name ~= nil and name ~= box.info.name
            and ('this node does not lead: call it on %s'):format(name)
            or 'this node does not lead', 0)
    end
    return ('%s leads'):format(handover.step_down() or 'no node')
end

M.functions = {
    {
        name = 'step_down',
        arguments = '',
        summary = 'gives the leadership to another node',
        help = 'For the leader of a cluster, before its maintenance: writes stop for some '
            .. 'hundredths of a second, and none is lost. Returns which node leads then.',
        example = 'kv.admin.step_down()',
        call = step_down,
    },
}

return M
