#!/usr/bin/env bash
# Backups of the compose project, in folders of this machine:
#     docker/backup.sh backup|verify|restore FOLDER
# They pass through a folder in the data volume, because the container can write nowhere
# else. A restore requires an empty data volume that no container uses.
set -euo pipefail
umask 077
unset CDPATH # makes cd search other folders, and print the one it finds

readonly COMPOSE=${COMPOSE:-docker compose}
readonly DATA=/var/lib/tarantool
readonly CONSOLE=$DATA/console.sock
# with these two set, as the 3.x image has them, Tarantool expects a cluster configuration
readonly PROGRAM="env -u TT_APP_NAME -u TT_INSTANCE_NAME tarantool /opt/kv/lua/kv/backup/main.lua"

CHECK_SUMS="sha256sum -c"
command -v sha256sum >/dev/null || CHECK_SUMS="shasum -a 256 -c" # macOS

readonly action=$1
folder=$2
while [[ $folder == ?*/ ]]; do
    folder=${folder%/}
done
case $folder in
-*) folder=./$folder ;; # it would be an option of mkdir and others
esac
readonly folder
readonly passing=$DATA/passing.$(date -u +%s).$$

# Not by sed or awk: the folder may contain their special characters.
rename() {
    local rest line
    while IFS= read -r rest || [[ -n $rest ]]; do
        line=
        while [[ $rest == *"$passing"* ]]; do
            line+=${rest%%"$passing"*}$folder
            rest=${rest#*"$passing"}
        done
        printf '%s\n' "$line$rest"
    done
}

# Its messages name the folder of this machine.
renamed() {
    "$@" 2> >(rename >&2) | rename
}

inside() {
    $COMPOSE exec -T tarantool sh -ec "$1"
}

remove() {
    inside "rm -rf $passing"
}

# cd and not tar's -C, where a backslash begins an escape sequence
send() {
    (cd "$folder" && tar -c .)
}

case $action in
backup)
    if [ -e "$folder" ]; then
        echo "kv: $folder exists" >&2
        exit 1
    fi
    trap remove EXIT
    renamed inside "$PROGRAM backup $CONSOLE $passing"
    draft=$folder.draft
    mkdir -p "$(dirname "$folder")"
    mkdir "$draft"
    # owned by the caller, not by the user of the container
    inside "tar -C $passing -c ." | (cd "$draft" && tar --no-same-owner -x)
    (cd "$draft" && $CHECK_SUMS SHA256SUMS >/dev/null)
    sync
    mv "$draft" "$folder"
    sync
    ;;
verify)
    trap remove EXIT
    send | inside "mkdir $passing; tar -C $passing --no-same-owner -x"
    renamed inside "$PROGRAM verify $CONSOLE $passing"
    ;;
restore)
    send | renamed $COMPOSE run --rm -T --no-deps tarantool sh -ec "
        trap 'rm -rf $passing' EXIT
        mkdir $passing
        tar -C $passing --no-same-owner -x
        $PROGRAM restore $passing $DATA"
    ;;
*)
    echo "expected backup, verify or restore" >&2
    exit 1
    ;;
esac
