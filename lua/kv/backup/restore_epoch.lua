--- The first start on a restored backup. What was issued after the backup was taken must not be
-- issued again: an entity tag or a token of that time would be valid for something else.
-- So the counters are increased far beyond those values, as etcd does with
-- `snapshot restore --bump-revision`, and every token from before the restore ends. Access tokens
-- are deleted, because one that was revoked after the backup would be valid again.
local fio = require('fio')
local log = require('log')

local M = {}

--- The file that marks a directory of snapshots as restored.
M.MARKER = 'restored'

--- More than a store counts between two backups.
local STEP = 1000000000

local function increase(counter, by)
    return box.space.kv_meta:update(counter, { { '+', 'value', by } }).value
end

--- Increases the counters of a restored store, after the migrations. Without the marker it does
-- nothing.
function M.apply()
    local marker = fio.pathjoin(box.cfg.memtx_dir, M.MARKER)
    if not fio.path.exists(marker) then
        return
    end
    box.atomic(function()
        increase('revision', STEP)
        increase('credentials', STEP)
        for _, user in box.space.users:pairs() do
            box.space.users:update(user.username, {
                { '=', 'credentials_version', increase('credentials', 1) },
            })
        end
        for _, space in pairs({ box.space.access_tokens, box.space.access_token_uses }) do
            for _, row in ipairs(space:select()) do
                space:delete(row[1])
            end
        end
    end)
    fio.unlink(marker)
    local revision = box.space.kv_meta:get('revision').value
    log.info('kv: restored from a backup: revisions continue after %s', revision)
end

return M
