"""The procedures, called without HTTP: durability, memory, disk, privileges."""
