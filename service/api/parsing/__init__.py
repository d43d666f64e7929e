"""Parsing: from the bytes of a request to its arguments, with every limit checked."""
