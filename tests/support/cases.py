# SPDX-License-Identifier: MIT
"""cases.py - named checks of a test program in Python, and its last line

A case is a function; it fails by raising, and is skipped by raising Skip with the reason. run() prints what Check prints in spirit: each
failure with its place, then `N passed, N failed`.
"""
import sys
import traceback


class Skip(Exception):
    """Cannot be tested here; the reason is printed."""


def expect(condition, message):
    """Fails the case with a message; not an assert, which python -O drops."""
    if not condition:
        raise AssertionError(message)


def run(cases):
    """Runs [(name, function)]; ends the program with 0, or 1 after a failure."""
    passed = failed = skipped = 0
    for name, function in cases:
        try:
            function()
            passed += 1
        except Skip as reason:
            print('skipped: %s: %s' % (name, reason))
            skipped += 1
        except Exception as error:  # a broken case must not hide the others
            print('FAILED: %s: %s: %s' % (name, type(error).__name__, error))
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
            failed += 1
        sys.stdout.flush()
    print('%d passed, %d failed%s' % (passed, failed, ', %d skipped' % skipped if skipped else ''))
    sys.exit(1 if failed else 0)
