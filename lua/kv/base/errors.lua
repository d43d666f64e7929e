--- The refusals of the procedures, as data: a kind and the sentence its caller gets.
-- A client of the procedures tells them apart by the error's custom type, `kv.<kind>`,
-- never by the sentence.
local M = {}

local SENTENCES = {
    UserExists = 'User already exists',
    TokenRevoked = 'The token is no longer valid: log in again',
    NotGranted = 'The account has no right to %s %s',
    ReplyTooLarge = 'The keys and their values take about %d bytes, a reply takes at most %d: '
        .. 'ask for fewer keys at a time',
    IdempotencyConflict = 'This Idempotency-Key came with another request before',
    NotACounter = 'The value of %s is not an integer of 64 bits',
    CounterOverflow = 'The counter %s, now %s, would leave the range of 64 bits with a sign',
    ChangesOff = 'No changes are kept: KV_CHANGES_BYTES is 0',
    MemoryFull = 'The memory is full: reads and deletions go on',
    RetriesFull = 'The outcomes kept for Idempotency-Key fill their share of the memory: '
        .. 'writes without it go on',
    DiskFull = 'The disk is full: reads and deletions go on',
    RevisionAhead = 'That revision is ahead of the store, which is at %d',
}

--- Characters of a key in a sentence.
M.MAX_QUOTED = 48

local function escaped(character)
    return ('\\x%02x'):format(character:byte())
end

--- Without control characters: box.error() ends a reason at a NUL.
---@param key string
function M.quoted(key)
    local shown = utf8.len(key) > M.MAX_QUOTED and utf8.sub(key, 1, M.MAX_QUOTED) .. '…' or key
    return ("'%s'"):format((shown:gsub('%c', escaped)))
end

---@param kind string a key of SENTENCES
---@param ... any what the sentence names
function M.raise(kind, ...)
    box.error({ type = 'kv.' .. kind, reason = SENTENCES[kind]:format(...) })
end

return M
