"""`python -m benchmarks SUBCOMMAND`: figures that depend on the machine."""
