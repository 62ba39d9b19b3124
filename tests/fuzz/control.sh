#!/bin/sh
# The driver finds what is broken on purpose: the target then ends with code 7.
"$1" -runs=2000000
code=$?
[ "$code" = 7 ] && exit 0
echo "the broken target ended with code $code" >&2
exit 1
