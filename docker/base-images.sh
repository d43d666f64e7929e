#!/usr/bin/env bash
# Builds local replacements of the two base images, for a machine that reaches Debian's
# packages but no container registry. They provide what the Dockerfiles rely on.
set -euo pipefail
umask 022

readonly SUITE=bookworm
readonly PYTHON=kv-local/python:3.11-slim
readonly TARANTOOL=kv-local/tarantool:2.6
readonly CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt

fail() {
    echo "$0: $1" >&2
    exit 1
}

# image NAME PACKAGE[,PACKAGE…] [INSTRUCTION…]
image() {
    local name=$1 packages=$2 root instruction
    local changes=()
    shift 2

    if docker image inspect "$name" >/dev/null 2>&1; then
        echo "$name: exists already" >&2
        return
    fi
    echo "$name: takes about half a minute" >&2

    # Not $work itself: mktemp creates it with mode 700, which the / of the image would get.
    root=$work/${name//[:\/]/_}
    debootstrap --variant=minbase --include="$packages" "$SUITE" "$root" >"$root.log" 2>&1 ||
        { tail -n 20 "$root.log" >&2; fail "debootstrap failed"; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*

    # Where the host trusts a proxy that re-signs TLS, a build in the image must do so too.
    if [ -r "$CA_BUNDLE" ]; then
        install -D -m 644 "$CA_BUNDLE" "$root$CA_BUNDLE"
        set -- "$@" "ENV PIP_CERT=$CA_BUNDLE SSL_CERT_FILE=$CA_BUNDLE REQUESTS_CA_BUNDLE=$CA_BUNDLE"
    fi
    for instruction in "$@"; do
        changes+=(--change "$instruction")
    done
    tar -C "$root" --numeric-owner -c . | docker import "${changes[@]}" - "$name" >&2
}

[ "$(id -u)" = 0 ] || fail "debootstrap works only as root: sudo $0"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
docker version >/dev/null || fail "no Docker engine is running"

work=$(mktemp -d)
# An interrupted debootstrap leaves /proc mounted below.
trap 'rm -rf --one-file-system "$work"' EXIT

image "$PYTHON" ca-certificates,python3,python3-venv 'CMD ["python3"]'
image "$TARANTOOL" tarantool \
    'EXPOSE 3301' 'VOLUME /var/lib/tarantool' 'CMD ["tarantool"]'

echo "export PYTHON_IMAGE=$PYTHON"
echo "export TARANTOOL_IMAGE=$TARANTOOL"
