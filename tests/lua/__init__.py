"""Lua modules without the store, and the layers of all of them."""
