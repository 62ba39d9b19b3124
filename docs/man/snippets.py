# SPDX-License-Identifier: MIT
"""snippets.py - examples for the manual, from programs and documents that the tests compile and run

A snippet is a whole program (docs/man/examples, or a block with a main of a document), a block of a document without a main, or a
function of a program of examples/. Nothing is shown that is not run: tests/docs/man_test.py.
"""
import glob
import os
import re

LINES = {"program": 80, "block": 50, "function": 50}  # a longer one explains nothing
FUNCTION = re.compile(r"^(?:/\*(?:(?!\*/).)*\*/\n)?(?:static )?[a-z][\w *]*\([^;{}]*\)\n\{\n.*?^\}\n", re.S | re.M)
RANKS = {"program": 3, "block": 2, "function": 1}


class Snippet:
    def __init__(self, kind, source, text):
        self.kind, self.source, self.text = kind, source, text
        self.calls = set(re.findall(r"\b(nf_\w+)\b", text))


def program_of(path, source):
    """A program without the comment that names its licence."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return Snippet("program", source, re.sub(r"\A/\*.*?\*/\n", "", text, flags=re.S))


def blocks_of(path, source):
    with open(path, encoding="utf-8") as file:
        for text in re.findall(r"^```c\n(.*?)^```$", file.read(), re.S | re.M):
            yield Snippet("program" if re.search(r"^int main\(", text, re.M) else "block", source, text)


def functions_of(path, source):
    with open(path, encoding="utf-8") as file:
        for match in FUNCTION.finditer(file.read()):
            yield Snippet("function", source, match.group(0))


def gather(root):
    """All snippets that are short enough, and the files that they are from."""
    found, files = [], []
    for pattern, read in (("docs/man/examples/*.c", lambda p, s: [program_of(p, s)]), ("docs/*.md", blocks_of), ("examples/*.c", functions_of)):
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            source = os.path.relpath(path, root).replace(os.sep, "/")
            files.append(path)
            found += read(path, source)
    first = os.path.join(root, "examples", "first.c")
    found.append(program_of(first, "examples/first.c"))
    return [s for s in found if s.text.count("\n") <= LINES[s.kind]], files


def best(snippets, names):
    """The snippet that calls most of the functions, the first of them above all; whole programs before blocks before functions."""
    def worth(s):
        called = [n for n in names if n in s.calls]
        return (names[0] in s.calls, len(called), RANKS[s.kind], -s.text.count("\n"), s.source)
    able = [s for s in snippets if any(n in s.calls for n in names)]
    return max(able, key=worth) if able else None
