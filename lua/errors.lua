--- The refusals of the procedures, as data: a kind and the sentence its caller gets.
-- A client of the procedures tells them apart by the error's custom type, `kv.<kind>`,
-- never by the sentence.
local M = {}

local SENTENCES = {
    UserExists = 'User already exists',
    TokenRevoked = 'The token is no longer valid: log in again',
    ReplyTooLarge = 'The keys asked for hold %d bytes and more, a reply takes at most %d: '
        .. 'ask for fewer keys at a time',
}

---@param kind string a key of SENTENCES
---@param ... any what the sentence names
function M.raise(kind, ...)
    box.error({ type = 'kv.' .. kind, reason = SENTENCES[kind]:format(...) })
end

return M
