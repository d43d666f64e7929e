"""The documentation: its links, its examples, the OpenAPI document, Swagger UI."""
