"""Authentication: tokens, tickets, passwords, and the limits on guessing them."""
