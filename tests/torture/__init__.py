"""Torture: faults on a running system (`run`), judged by its clients (`judge`)."""
