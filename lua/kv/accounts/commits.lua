--- Commits of accounts and of their access tokens, tagged with usernames.
local durability = require('kv.base.durability')

return durability.new()
