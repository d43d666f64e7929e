#!/usr/bin/env bash
# Local stand-ins for the two base images, for a machine that reaches Debian's packages
# but no container registry. They keep the contract that the Dockerfiles rely on.
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
    echo "$name: half a minute or so" >&2

    # Not $work itself: mktemp makes it for root alone, and the image's / would be so too.
    root=$work/${name//[:\/]/_}
    debootstrap --variant=minbase --include="$packages" "$SUITE" "$root" >"$root.log" 2>&1 ||
        { tail -n 20 "$root.log" >&2; fail "debootstrap failed"; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*

    # A host behind a proxy that re-signs TLS trusts it; a build in here has to as well.
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
docker version >/dev/null || fail "no Docker engine answers"

work=$(mktemp -d)
# An interrupted debootstrap leaves /proc mounted below.
trap 'rm -rf --one-file-system "$work"' EXIT

image "$PYTHON" ca-certificates,python3,python3-venv 'CMD ["python3"]'
image "$TARANTOOL" tarantool \
    'EXPOSE 3301' 'VOLUME /var/lib/tarantool' 'CMD ["tarantool"]'

echo "export PYTHON_IMAGE=$PYTHON"
echo "export TARANTOOL_IMAGE=$TARANTOOL"
