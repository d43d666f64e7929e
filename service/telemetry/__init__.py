"""Metrics, the log, traces and request ids: what the service reports about itself."""
