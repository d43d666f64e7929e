"""Byte thresholds that several modules share, each with one name."""

KIB = 1024
MIB = 1024 * KIB

#: A body or a reply up to this size is small: it is not counted against `KV_MAX_HELD`,
#: needs no slot for large work, and is written at once. Larger replies are written in
#: pieces of this size: a transport buffers as much before it pauses the writer.
SMALL = 64 * KIB

#: Bodies and replies in work at the same time, in total; a larger one is alone. Work on
#: more than this pauses between its steps, so that small requests are served.
LARGE = MIB
