"""Everything that subclasses or overrides aiohttp. Knows no storage."""
