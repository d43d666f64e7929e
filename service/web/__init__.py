"""The HTTP server: aiohttp with limits; the only package that overrides aiohttp."""
