# SPDX-License-Identifier: MIT
#
# stage.sh - builds and test runs whose results are added up. Sourced with $here set; logs go to $NFLOW_LOGS or a folder of its own.
#
#   stage name folder setup-options ... -- test-options ...
#   stage_script name command ...   a program that prints `N passed, N failed` at its end
#   finish       prints `N passed, N failed` over all stages and ends with the exit code that says so
logs=${NFLOW_LOGS:-}
own_logs=""
if [ -z "$logs" ]; then
    logs=$(mktemp -d)
    own_logs=$logs
    trap 'rm -rf "$own_logs"' EXIT
    trap 'exit 130' INT TERM
fi

# A stage that cannot even be built counts as one failure.
stage_broken() {
    echo "FAILED: $1: $2"
    printf '{"name": "%s: %s", "stdout": "", "result": "FAIL"}\n' "$1" "$2" >>"$logs/$1.json"
}

# stage_build name folder setup-options ...
stage_build() {
    name=$1
    folder=$2
    shift 2
    if [ -f "$folder/build.ninja" ]; then
        meson configure "$folder" $(stage_plain_options "$@") >/dev/null || return 1
    else
        meson setup "$folder" "$here" "$@" >"$logs/$name.setup" 2>&1 || { cat "$logs/$name.setup"; return 1; }
    fi
    ninja -C "$folder" >"$logs/$name.build" 2>&1 || { grep -v '^\[' "$logs/$name.build" | tail -60; return 1; }
}

# The options that an existing folder can take: words of the form -Dname=value without blanks.
stage_plain_options() {
    for option in "$@"; do
        case "$option" in
        *' '*) ;;
        -D*=*) echo "$option" ;;
        esac
    done
}

stage() {
    stage_name=$1
    stage_folder=$2
    shift 2
    started=$(date +%s)
    set_up=""
    while [ "$1" != -- ]; do
        set_up="$set_up
$1"
        shift
    done
    shift
    echo "== $stage_name: build"
    if ! (
        IFS='
'
        set -f
        stage_build "$stage_name" "$stage_folder" $set_up
    ); then
        stage_broken "$stage_name" "cannot be built"
        return
    fi
    echo "== $stage_name: tests, after $(($(date +%s) - started)) s"
    meson test -C "$stage_folder" --print-errorlogs --no-rebuild --logbase "testlog-$stage_name" "$@" || true
    cat "$stage_folder/meson-logs/testlog-$stage_name.json" >>"$logs/$stage_name.json" || stage_broken "$stage_name" "has no log"
    echo "== $stage_name: $(($(date +%s) - started)) s"
}

stage_script() {
    stage_name=$1
    shift
    echo "== $stage_name"
    result=OK
    "$@" >"$logs/$stage_name.txt" 2>&1 || result=FAIL
    cat "$logs/$stage_name.txt"
    python3 -c 'import json, sys; print(json.dumps({"name": sys.argv[1], "result": sys.argv[2], "stdout": open(sys.argv[3]).read()}))' \
        "$stage_name" "$result" "$logs/$stage_name.txt" >>"$logs/$stage_name.json"
}

finish() {
    [ -n "$own_logs" ] || exit 0
    python3 "$here/tests/support/count.py" "$logs"/*.json
    exit
}
