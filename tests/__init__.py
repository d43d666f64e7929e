"""The tests: a folder for each kind; `support` is what they share."""
