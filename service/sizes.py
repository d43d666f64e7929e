"""Sizes in bytes that several modules share."""

KIB = 1024
MIB = 1024 * KIB

#: A body or a reply up to this size is small: it is not counted against `KV_MAX_HELD`,
#: it needs no slot for large work, and it is written at once. Larger replies are
#: written in pieces of this size: a transport buffers as much before it asks to wait.
SMALL = 64 * KIB

#: Bodies and replies of this size in total are worked on at a time; a larger one alone.
LARGE = MIB
