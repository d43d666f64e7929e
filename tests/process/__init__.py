"""Whole processes: start and stop, workers, TLS, load, outages, backups."""
