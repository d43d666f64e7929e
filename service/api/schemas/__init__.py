"""The structs of requests and replies, and the types of their members."""
