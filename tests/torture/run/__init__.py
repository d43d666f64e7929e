"""A round: the system, its clients, their work, the faults."""
