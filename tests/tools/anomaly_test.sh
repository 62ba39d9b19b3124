#!/bin/sh
# SPDX-License-Identifier: MIT
#
# anomaly_test.sh - examples/anomaly.c on a table made here: normal rows near a parabola, anomalies beside it
#
#   anomaly_test.sh PATH/TO/anomaly
set -u
case $1 in
/*) anomaly=$1 ;;
*) anomaly=$PWD/$1 ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

"$anomaly" >out.txt
[ $? -eq 77 ] || fail "without a table: not 77"
grep -q "no table was given" out.txt || fail "without a table: not said"
# a congruential generator, so that every awk makes the same rows
awk 'function u() { s = (s * 16807) % 2147483647; return s / 2147483647 }
     BEGIN { s = 1; print "a,b,label"
             for (i = 0; i < 640; i++) { x = 4 * u() - 2; l = i % 16 == 0; print x "," x * x + (l ? 2.5 : 0.3 * (u() - 0.5)) "," l } }' >table.csv
"$anomaly" table.csv --epochs 40 --seeds 1 >out.txt || fail "no success"
grep -q "^300 normal rows to learn from, 340 rows to tell apart, 2 columns$" out.txt || fail "other rows: $(cat out.txt)"
awk '/^AUROC/ { good = $2 >= 97 } END { exit !good }' out.txt || fail "$(tail -n 1 out.txt)"
"$anomaly" table.csv --label 7 2>err.txt && fail "a label that is no column"
grep -q "has 3 columns" err.txt || fail "a label that is no column: $(cat err.txt)"
"$anomaly" nowhere.csv 2>err.txt && fail "no such file"
grep -q "nowhere.csv" err.txt || fail "no such file: $(cat err.txt)"
"$anomaly" --epochs none table.csv 2>err.txt
[ $? -eq 2 ] || fail "a value that is no number"
exit 0
