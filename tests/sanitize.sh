#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The suite under AddressSanitizer and UndefinedBehaviorSanitizer, and what runs threads under ThreadSanitizer. No report is
# suppressed. Left out, because it would prove nothing more or cannot work there:
#   fork, stack       sanitizers hold locks at fork and need several times the stack
#   symbols, hygiene, consumer   a sanitized library needs other symbols on purpose; the plain build is tested
#   use of a stack after return  gcc's false stack is aligned to 32 bytes, vectors of AVX-512 need 64 (gcc bug 110027)
#   examples                     pictures leave fonts behind in cairo; three minutes for the calls of tests/train
#   conformance under ThreadSanitizer   all but its cases of threads: the others run one
#
# usage: sh tests/sanitize.sh [asan|tsan|all]
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
which=${1:-all}
. "$here/tests/support/stage.sh"
common="-Dbuildtype=plain -Doptimization=1 -Ddebug=true -Db_lundef=false -Dbench=false -Dwerror=true"

export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0:strict_string_checks=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

# The sanitizers see what they are for: each of three small programs must be stopped.
control() {
    sanitizer=$1
    result=OK
    if ! printf '%s\n' "$3" | ${CC:-cc} -g -x c - -o "$logs/control" -fsanitize="$sanitizer" -fno-sanitize-recover=all -lpthread; then
        stage_broken "$2" "control of $sanitizer cannot be built"
        return
    fi
    if "$logs/control" >/dev/null 2>&1; then result=FAIL; fi
    echo "== $2: control of $sanitizer: $result"
    printf '{"name": "%s: control of %s", "stdout": "", "result": "%s"}\n' "$2" "$sanitizer" "$result" >>"$logs/$2.json"
}

# The matrix of wrong arguments, in which reads out of bounds would otherwise go unnoticed: python loads the sanitizer first.
misuse_under_asan() {
    library=$(gcc -print-file-name=libasan.so)
    if [ ! -e "$library" ]; then
        echo "left out: misuse under ASan: no libasan.so"
        return
    fi
    echo "== asan: misuse"
    if LD_PRELOAD="$library" ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc NFLOW_MISUSE=live \
        python3 -B "$here/tests/ffi/misuse_test.py" "$here" "$here/build-asan/lib/libnflow.so" >"$logs/misuse.txt" 2>&1; then
        printf '{"name": "asan: misuse", "stdout": "", "result": "OK"}\n' >>"$logs/asan.json"
        cat "$logs/misuse.txt"
    else
        tail -60 "$logs/misuse.txt"
        stage_broken asan "misuse"
    fi
}

if [ "$which" != tsan ]; then
    control address asan '#include <stdlib.h>
        int main(int n, char **a) { char *p = malloc(8); (void)a; return p[7 + n]; }'
    control undefined asan 'int main(int n, char **a) { (void)a; return 0x7fffffff + n == 5; }'
    stage asan "$here/build-asan" $common -Db_sanitize=address,undefined -Dexamples=false -Dtools=false \
        '-Dc_args=-fsanitize=float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer' \
        -- -t 5 --suite unit --suite conformance --suite abi
    misuse_under_asan
fi
if [ "$which" != asan ]; then
    control thread tsan '#include <pthread.h>
        static int count; static void *add(void *a) { for (int i = 0; i < 100000; i++) count++; return a; }
        int main(void) { pthread_t t; pthread_create(&t, 0, add, 0); add(0); pthread_join(t, 0); return 0; }'
    stage tsan "$here/build-tsan" $common -Db_sanitize=thread -Dexamples=false -Dtools=false \
        -- -t 10 core train conformance-threads threads
fi
finish
