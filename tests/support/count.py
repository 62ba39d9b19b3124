# SPDX-License-Identifier: MIT
"""count.py - adds up what the test programs of meson's logs report, and prints `N passed, N failed` as the last line

A program reports by Check's line ("100%: Checks: 22, Failures: 0, Errors: 0") or by a last line of its own ("9 passed, 0 failed"). One
that reports neither counts as one test; one that ended badly, whatever it reported, counts at least one failure. Ends with 1 when
anything failed or nothing ran.

usage: count.py <testlog.json> ...
"""
import json
import re
import sys

CHECK = re.compile(r'^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)', re.M)
OWN = re.compile(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$', re.M)
REASON = re.compile(r'^(?:skipped|left out|part left out): .*$', re.M)


def count(entry):
    """(passed, failed, skipped) of one program."""
    text = entry.get('stdout', '') or ''
    reports = [(int(a) - int(b) - int(c), int(b) + int(c), 0) for a, b, c in CHECK.findall(text)]
    reports += [(int(a), int(b), int(c or 0)) for a, b, c in OWN.findall(text)]
    if entry['result'] == 'SKIP':
        return 0, 0, 1
    good = entry['result'] in ('OK', 'EXPECTEDFAIL')
    if not reports:
        return (1, 0, 0) if good else (0, 1, 0)
    passed, failed, skipped = (sum(column) for column in zip(*reports))
    return passed, failed if good or failed else 1, skipped


def main(paths):
    total = [0, 0, 0]
    for path in paths:
        with open(path, encoding='utf-8', errors='replace') as file:
            for line in file:
                entry = json.loads(line)
                for i, n in enumerate(count(entry)):
                    total[i] += n
                for reason in REASON.findall(entry.get('stdout', '') or ''):
                    print('%s: %s' % (entry['name'], reason))
    print('%d passed, %d failed%s' % (total[0], total[1], ', %d skipped' % total[2] if total[2] else ''))
    return 1 if total[1] or not total[0] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
