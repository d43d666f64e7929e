"""Pictures of the console's views for its documentation: `make screenshots`."""
