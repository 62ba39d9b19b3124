# Finding and installing what a build needs, on Debian and its kin. Sourced by tests/run.sh and examples/run.sh.
# need_tools command:package ...; need_libraries pkg-config-name:package ... ("cblas" is any CBLAS); install_missing; want_tools.
missing=""

need_tools() {
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
    done
}

has_cblas() {
    for name in openblas flexiblas blis cblas blas; do
        pkg-config --exists "$name" 2>/dev/null && return 0
    done
    [ -e /usr/include/cblas.h ]
}

need_libraries() {
    for pair in "$@"; do
        if [ "${pair%%:*}" = cblas ]; then
            has_cblas || missing="$missing ${pair#*:}"
        elif ! pkg-config --exists "${pair%%:*}" 2>/dev/null; then
            missing="$missing ${pair#*:}"
        fi
    done
}

# want_tools command:package ...: what tests can do without, saying so; installed where that needs no question.
want_tools() {
    wanted=""
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || wanted="$wanted ${pair#*:}"
    done
    [ -n "$wanted" ] && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 0
    echo "installing:$wanted"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted || echo "left out:$wanted"
}

install_missing() {
    [ -n "$missing" ] || return 0
    missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "missing: $missing(Debian's names). Install them with your package manager and run this again." >&2
        exit 1
    fi
    if [ "$(id -u)" = 0 ]; then
        as=""
    elif sudo -n true 2>/dev/null; then
        as="sudo"
    else
        echo "missing: $missing" >&2
        echo "Nothing was changed. Run: sudo apt-get install $missing" >&2
        exit 1
    fi
    echo "installing: $missing"
    $as apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends $missing
}
