#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Two programs that train on two moons must print the same, but for the seconds that they took.
#
# usage: same_numbers.sh FOLDER PROGRAM OTHER ...      models go into FOLDER
set -u
folder=$1
program=$2
shift 2
# printed <program> <more arguments>: what it says, without the time
printed() { "$@" "$folder" --epochs 3 2>&1 | sed 's/ in [0-9.]* s,/,/'; }
passed=0
failed=0
report() {
    if [ "$1" = "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s:\n%s\n' "$3" "$2"
    fi
}

expected=$(printed "$program")
case $expected in
*"held-out NLL  "*"true entropy  "*) passed=1 ;;
*) failed=1 && printf 'FAILED: %s says nothing of the kind:\n%s\n' "$program" "$expected" ;;
esac
for other in "$@"; do
    report "$expected" "$(printed "$other")" "$other prints something else than $program"
    if [ "$(printed "$other" --preset book)" = "$expected" ]; then
        failed=$((failed + 1))
        echo "FAILED: the control: another recipe prints the same numbers"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
