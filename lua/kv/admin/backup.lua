--- The console's function for backups.
local live = require('kv.backup.live')

return {
    functions = {
        {
            name = 'backup',
            arguments = 'folder',
            summary = 'makes a verified backup',
            help = 'The store stays available. The folder is an absolute path, missing or '
                .. 'empty. Returns when every key has been compared with the running store.',
            example = "kv.admin.backup('/backups/monday')",
            call = live.backup,
        },
    },
}
