"""Figures that depend on the machine: run by hand, never by the tests."""
