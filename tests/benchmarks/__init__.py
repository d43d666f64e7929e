"""The benchmarks, run for a moment: that they work, not how fast anything is."""
