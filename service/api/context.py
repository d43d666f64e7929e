"""Keys of the application's resources, which handlers use."""

import asyncio

from aiohttp import web

from service.auth.administrator import Administrator
from service.auth.logins import Logins
from service.auth.passwords import PasswordHasher
from service.auth.tickets import Tickets
from service.auth.tokens import Tokens
from service.settings import Settings
from service.storage.client import Storage
from service.storage.feed import Feed
from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing
from service.web.admission import Admission
from service.web.audit_lines import AuditLines
from service.web.request_metrics import RequestMetrics

SETTINGS = web.AppKey("settings", Settings)
METRICS = web.AppKey("metrics", Metrics)
REQUEST_METRICS = web.AppKey("request_metrics", RequestMetrics)

#: Missing where traces are disabled.
TRACING = web.AppKey("tracing", Tracing)

ADMISSION = web.AppKey("admission", Admission)
STORAGE = web.AppKey("storage", Storage)
FEED = web.AppKey("feed", Feed)
PASSWORDS = web.AppKey("passwords", PasswordHasher)
ADMINISTRATOR = web.AppKey("administrator", Administrator)
LOGINS = web.AppKey("logins", Logins)
TOKENS = web.AppKey("tokens", Tokens)
TICKETS = web.AppKey("tickets", Tickets)

#: Missing where the audit log is disabled.
AUDIT_LINES = web.AppKey("audit_lines", AuditLines)

#: The OpenAPI document, as JSON.
OPENAPI = web.AppKey("openapi", bytes)

#: Set when the service stops: streams end, which would outlast the shutdown otherwise.
STOPPING = web.AppKey("stopping", asyncio.Event)
