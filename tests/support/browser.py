"""Debian's Chromium, started by playwright."""

#: Debian's package; playwright's own browsers are not in any package registry.
CHROMIUM = "/usr/bin/chromium"


#: It runs as root on CI, and requests only what the page requests.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: Milliseconds, for each thing that is waited for.
PAGE_TIMEOUT = 60_000
