"""Instruments: load generators, CPU and memory of processes, rounds of measurements."""
