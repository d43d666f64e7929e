"""Values of OpenTelemetry's semantic conventions that the log and the traces share."""

#: The value of `service.name`.
SERVICE_NAME = "kv-service"

#: The value of `http.request.method` for a method that does not exist.
OTHER_METHOD = "_OTHER"
