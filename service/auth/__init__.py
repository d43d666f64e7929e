"""Who is calling: tokens, tickets, passwords, and the limits on guessing them."""
