--- The errors that the procedures raise, as data: a kind and its sentence.
-- A client of the procedures matches the error's custom type, `kv.<kind>`, never the sentence.
local M = {}

local SENTENCES = {
    UserExists = 'User already exists',
    TokenRevoked = 'The token is no longer valid: %s',
    SessionRequired = 'An access token has no right to this: log in',
    NotAnAdministrator = 'The account is not an administrator',
    LastAdministrator = 'The account is the last enabled administrator',
    NoSuchAccount = 'There is no account %s',
    NoSuchAccessToken = 'The account has no access token %s',
    InvalidGrants = '/grants: %s',
    TooManyAccessTokens = 'The account has %d access tokens, the limit',
    NotGranted = 'The %s has no right to %s %s',
    ReplyTooLarge = 'The keys and their values take about %d bytes, '
        .. 'the limit of a reply is %d: read fewer keys at a time',
    IdempotencyConflict = 'This Idempotency-Key was used with a different request before',
    NotACounter = 'The value of %s is not a 64-bit integer',
    CounterOverflow = 'The counter %s, now %s, would leave the range of a signed 64-bit integer',
    ChangesOff = 'There is no change log: KV_CHANGES_BYTES is 0',
    MemoryFull = 'The memory is full: only reads and deletions work',
    RetriesFull = 'The idempotency records fill their share of the memory: '
        .. 'only writes without an Idempotency-Key work',
    DiskFull = 'The disk is full: only reads and deletions work',
    NotLeader = 'This node is not the leader: %s',
    NotConfirmed = 'No majority has confirmed it yet: it may still be applied',
    RevisionAhead = 'The revision is ahead of the store, which is at %d',
}

--- Characters of a key in a sentence.
M.MAX_QUOTED = 48

local function escaped(character)
    return ('\\x%02x'):format(character:byte())
end

--- A key for a sentence, without control characters: box.error() ends a reason at a NUL.
---@param key string
function M.quoted(key)
    local shown = utf8.len(key) > M.MAX_QUOTED and utf8.sub(key, 1, M.MAX_QUOTED) .. '…' or key
    return ("'%s'"):format((shown:gsub('%c', escaped)))
end

---@param kind string a key of SENTENCES
---@param ... any the arguments of the sentence's format
function M.raise(kind, ...)
    box.error({ type = 'kv.' .. kind, reason = SENTENCES[kind]:format(...) })
end

return M
