--- The first start on a restored backup. What was given out after the backup was taken must
-- not be given out once more: an entity tag, or a token, of that time would be good for
-- something else. So the counters go on far beyond it, as with etcd's
-- `snapshot restore --bump-revision`, and every token from before the restore has ended.
local fio = require('fio')
local log = require('log')

local M = {}

--- The file in the data folder that says so.
M.MARK = 'restored'

--- More than a store counts between two backups.
local STEP = 1000000000

local function step(counter, by)
    return box.space.kv_meta:update(counter, { { '+', 'value', by } }).value
end

--- After the migrations, in the data folder.
function M.go_on()
    if not fio.path.exists(M.MARK) then
        return
    end
    box.atomic(function()
        step('revision', STEP)
        step('credentials', STEP)
        for _, user in box.space.users:pairs() do
            box.space.users:update(user.username, {
                { '=', 'credentials_version', step('credentials', 1) },
            })
        end
    end)
    fio.unlink(M.MARK)
    log.info('kv: restored: revisions go on from %s', box.space.kv_meta:get('revision').value)
end

return M
