"""Migrations, applied by real instances; and the bytes of their files."""
