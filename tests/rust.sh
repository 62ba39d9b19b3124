#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The Rust binding, built against an installed library: generated files, format, clippy, tests, documents, and that its programs print
# what those of C and C++ print. Needs cargo; without it, or without clippy, rustfmt or bindgen, it says what was left out.
#
# usage: sh tests/rust.sh [build folder]      default build-test; one that is not there is built
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-.}" 2>/dev/null && pwd || echo "${1:-}")
[ $# -gt 0 ] || build="$here/build-test"
. "$here/tests/support/stage.sh"
passed=0
failed=0
report=$logs/rust.txt
: >"$report"

say() { echo "$*" | tee -a "$report"; }
fail() {
    failed=$((failed + 1))
    say "FAILED: rust: $1"
    tail -60 "$logs/rust.log"
}
# step <name> <command ...>: one case
step() {
    name=$1
    shift
    if "$@" >"$logs/rust.log" 2>&1; then passed=$((passed + 1)); else fail "$name"; fi
}
# The end: a line for people, and an entry for tests/run.sh.
end() {
    say "$passed passed, $failed failed"
    python3 - "$report" "$failed" >>"$logs/rust.json" <<'EOF'
import json, sys
print(json.dumps({'name': 'rust', 'stdout': open(sys.argv[1]).read(), 'result': 'FAIL' if int(sys.argv[2]) else 'OK'}))
EOF
    [ "$failed" = 0 ]
    exit
}

# leave_out <reason>
leave_out() {
    say "left out: the Rust binding: $1"
    end
}

command -v cargo >/dev/null 2>&1 || leave_out "no cargo (https://rustup.rs, or Debian's of a release with Rust 1.77 or later)"
minor=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
[ "${minor:-77}" -ge 77 ] || leave_out "$(cargo --version) is older than 1.77"
echo "== rust"
started=$(date +%s)
if ! [ -x "$build/examples/two_moons_cpp" ] && ! stage_build rust-library "$build" --buildtype=release; then
    echo >"$logs/rust.log"
    fail "the library cannot be built"
    end
fi

# --- the library, installed, as a crate's user has it
prefix="$build/rust-prefix"
rm -rf "$prefix"
step install__library env DESTDIR="$prefix" meson install -C "$build" --no-rebuild --quiet
pc=$(find "$prefix" -name nflow.pc)
export PKG_CONFIG_PATH="$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$(dirname "$(dirname "$pc")")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export CARGO_TARGET_DIR="$build/rust-target" CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never
cd "$here/bindings/rust" || exit 1

# --- generated files. 3: bindgen is not there, and the script says so
sh "$here/bindings/regenerate.sh" --check >"$logs/rust.log" 2>&1
case $? in
0) passed=$((passed + 1)) ;;
3) say "part $(grep 'left out' "$logs/rust.log")" ;;
*) fail generated__files_are_fresh ;;
esac

# --- the crates
if cargo fmt --version >/dev/null 2>&1; then
    step format__is_that_of_rustfmt cargo fmt --check
else
    say "part left out: format: no rustfmt"
fi
if cargo clippy --version >/dev/null 2>&1; then
    step clippy__has_nothing_to_say cargo clippy --locked --workspace --all-targets -- -D warnings
else
    say "part left out: clippy"
fi
if cargo test --locked --workspace >"$logs/rust.log" 2>&1; then
    tests=$(sed -n 's/^test result: ok\. \([0-9]*\) passed; 0 failed; 0 ignored.*/\1/p' "$logs/rust.log" | awk '{ n += $1 } END { print n + 0 }')
    if [ "$tests" -ge 20 ]; then passed=$((passed + tests)); else fail "only $tests tests ran"; fi
else
    failures=$(grep -c '^test .*FAILED$' "$logs/rust.log")
    failed=$((failed + (failures > 1 ? failures - 1 : 0)))
    fail "cargo test"
fi
step documents__are_built env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# --- the same numbers in every language
step examples__are_built cargo build --locked --workspace --examples
moons="$CARGO_TARGET_DIR/debug/examples"
step numbers__are_those_of_c sh "$here/tests/consumer/same_numbers.sh" "$prefix" "$build/examples/two_moons" "$build/examples/two_moons_cpp" "$moons/two_moons"
flags=$(pkg-config --cflags --libs nflow)
step bits__c_program_builds sh -c "${CC:-cc} -std=c11 '$here/tests/consumer/bits.c' -o '$prefix/bits_c' $flags"
step bits__cxx_program_builds sh -c "${CXX:-c++} -std=c++17 '$here/tests/consumer/bits.cpp' -o '$prefix/bits_cxx' $flags"
for model in two_moons two_moons_cpp two_moons_rs; do # each trained in one language, read by all
    step bits__of_$model sh -c "cd '$prefix' && ./bits_c $model.safetensors >c.txt && ./bits_cxx $model.safetensors >cxx.txt &&
        '$moons/bits' $model.safetensors >rs.txt && test \$(wc -l <c.txt) = 35 && cmp c.txt cxx.txt && cmp c.txt rs.txt"
done
echo broken >"$prefix/broken.safetensors"
step control__bits_of_no_model_are_refused sh -c "! '$moons/bits' '$prefix/broken.safetensors'"

# --- the build script says what is missing
step build__names_what_is_missing sh -c "env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR=/nowhere CARGO_TARGET_DIR='$prefix/none' cargo build --locked 2>&1 |
    grep 'libnflow was not found'"
echo "== rust: $(($(date +%s) - started)) s"
end
