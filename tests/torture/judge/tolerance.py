"""How exactly the clocks of a round agree."""

#: Seconds: clients and server measure times to live on clocks of one machine, which
#: differ by their drift only.
TOLERANCE = 0.05
