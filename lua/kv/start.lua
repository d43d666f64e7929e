--- Starts the store in a configured instance: of script mode, and as a node of a cluster.
local fiber = require('fiber')
local log = require('log')

local access_tokens = require('kv.accounts.access_tokens')
local accounts = require('kv.accounts.accounts')
local callers = require('kv.accounts.callers')
local capacity = require('kv.capacity')
local change_feed = require('kv.data.change_feed')
local change_log = require('kv.data.change_log')
local clock = require('kv.data.clock')
local disk = require('kv.capacity.disk')
local expiry = require('kv.data.expiry')
local exports = require('kv.exports')
local handover = require('kv.data.handover')
local join_gate = require('kv.base.join_gate')
local leader = require('kv.base.leader')
local leadership = require('kv.leadership')
local memory = require('kv.capacity.memory')
local migrator = require('kv.migrator')
local promotion = require('kv.base.promotion')

local M = {}

--- Seconds for which a node that has stepped down refuses calls, before it stops: a call that is
-- refused is repeated on the next leader, one that is lost may not be.
local REFUSAL_TIME = 0.2

local is_wired = false

--- Connects the modules that do not require each other.
local function wire()
    if not is_wired then
        capacity.register_releasable(change_log.RELEASABLE)
        accounts.on_change(change_feed.wake)
        access_tokens.configure(clock.now)
        is_wired = true
    end
end

local function configure(settings)
    wire()
    accounts.configure(settings.default_grants)
    change_log.configure(settings.changes_bytes,
        box.cfg.memtx_memory - memory.START_HEADROOM_BYTES)
    disk.configure(settings.disk_reserve)
end

--- What every instance does once its spaces are there.
local function prepare()
    accounts.watch()
    memory.fill_start_headroom()
    memory.refill_reserve()
    clock.watch()
    clock.catch_up()
    expiry.start()
end

--- What an instance that takes writes does before it accepts calls, besides its schema.
local function lead()
    callers.forget()
    change_log.check()
    memory.refill_reserve()
    clock.lead()
    if leader.is_clustered() then
        clock.record()
    end
end

---@return Duties
local function duties(settings, migrations)
    return {
        migrations = migrations,
        user = settings.user,
        password = settings.password,
        prepare = prepare,
        lead = lead,
    }
end

--- Starts a single instance. Returns when it can take calls. One that is read-only follows a
-- leader until it becomes writable itself.
---@param settings table of kv.config
---@param folder string of the migrations
function M.start_alone(settings, folder)
    migrator.migrate(folder)
    exports.publish()
    configure(settings)
    local own_duties = duties(settings, migrator.read(folder))
    if box.info.ro then
        leadership.start(own_duties)
    else
        leadership.lead_alone(own_duties)
    end
end

--- Starts a node of a cluster, or gives a running one other settings. It takes calls when it
-- has become the leader and done its duties.
---@param settings table of kv.config
---@param folder string of the migrations
function M.start_node(settings, folder)
    leader.configure({ clustered = true })
    join_gate.watch()
    promotion.watch()
    configure(settings)
    exports.publish()
    leadership.start(duties(settings, migrator.read(folder)))
end

--- Ends what `start_node` began. A leader lets another node lead first. The procedures are gone
-- then, too.
function M.stop()
    if leader.is_clustered() and leader.leads() then
        local ok, result = pcall(handover.step_down)
        local outcome = ok and ('%s leads'):format(result or 'no node') or result
        log.info('kv: this node stops: %s', outcome)
        fiber.sleep(REFUSAL_TIME)
    end
    exports.withdraw()
    leadership.stop()
    promotion.unwatch()
    expiry.stop()
end

return M
