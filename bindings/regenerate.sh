#!/bin/sh
# SPDX-License-Identifier: MIT
#
# regenerate.sh - brings what the bindings copy from include/nflow up to date: run it after a change of the headers, and commit what it
# writes
#
#   sh bindings/regenerate.sh            writes
#   sh bindings/regenerate.sh --check    writes nothing, ends with 1 when something differs
#   sh bindings/regenerate.sh --install  first installs bindgen of the right version into build-tools/, by cargo (two minutes)
#
# bindings/rust/nflow-sys needs bindgen (cargo) and libclang (Debian: libclang1); without them it is left out, and says so with exit
# code 3. What bindgen writes depends on its version, so that there is one.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
version=0.72.1
target="$root/bindings/rust/nflow-sys/src/bindings.rs"
PATH="$root/build-tools/bin:$PATH"
if [ "${1:-}" = --install ]; then
    cargo install --quiet --locked --root "$root/build-tools" bindgen-cli --version "$version"
    shift
fi

code=0
python3 -B "$root/bindings/generate.py" "$@" || code=1
if [ "$(bindgen --version 2>/dev/null)" != "bindgen $version" ]; then
    echo "left out: nflow-sys: no bindgen $version (sh bindings/regenerate.sh --install)"
    [ $code = 0 ] || exit $code
    exit 3
fi
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
if ! bindgen "$root/include/nflow/layer_type.h" --output "$fresh" \
    --rust-target 1.77 --rust-edition 2021 --disable-header-comment --no-doc-comments --merge-extern-blocks --use-core \
    --rustfmt-configuration-file "$root/bindings/rust/rustfmt.toml" --with-derive-default --allowlist-file '.*/nflow/[a-z_]+\.h' --allowlist-item '(nf|NF)_.*' --blocklist-item 'NF_VERSION_.*' \
    --raw-line '// SPDX-License-Identifier: MIT' --raw-line '//' --raw-line "// Written by bindgen $version (bindings/regenerate.sh) from include/nflow: do not edit." \
    -- -I"$root/include" -include nflow/nflow.h -target x86_64-unknown-linux-gnu; then
    echo "left out: nflow-sys: bindgen cannot work (libclang?)"
    [ $code = 0 ] || exit $code
    exit 3
fi
if ! cmp -s "$fresh" "$target"; then
    if [ "${1:-}" = --check ]; then
        echo "not what the headers say, run \`sh bindings/regenerate.sh\`: bindings/rust/nflow-sys/src/bindings.rs"
        code=1
    else
        cp "$fresh" "$target"
        echo "written: bindings/rust/nflow-sys/src/bindings.rs"
    fi
fi
exit $code
