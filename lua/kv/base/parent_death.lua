--- Ends this process when the process that started it dies.
-- The kernel kills it when its parent dies in whatever way (prctl(2), PR_SET_PDEATHSIG), so
-- that an orphaned instance never keeps a data directory locked. SIGKILL loses nothing: what
-- was acknowledged is in the write-ahead log.
--
-- It leaves the process group that receives Ctrl-C: the service stops it. It stays in the
-- session. To Linux that is the group within which priorities count (sched_autogroup), and the
-- threads that hash passwords have to yield to Tarantool, too.
local ffi = require('ffi')

local M = {}

local PR_SET_PDEATHSIG = 1
local SIGKILL = 9

ffi.cdef([[
    int prctl(int option, unsigned long arg2, unsigned long arg3,
              unsigned long arg4, unsigned long arg5);
    int getppid(void);
    int setpgid(int pid, int pgid);
]])

--- Ties this process to the one that started it: an instance embedded in a service, or the
-- program that copies a backup.
---@param parent_pid number the process that started this one
function M.follow_parent(parent_pid)
    if ffi.C.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) ~= 0 then
        error('prctl(PR_SET_PDEATHSIG) failed', 0)
    end
    if ffi.C.setpgid(0, 0) ~= 0 then
        error('setpgid() failed', 0)
    end
    if ffi.C.getppid() ~= parent_pid then -- it died before the line above
        os.exit(1)
    end
end

return M
