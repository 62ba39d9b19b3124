# SPDX-License-Identifier: MIT
"""markdown.py - the Markdown of docs/ as mdoc(7): headings, paragraphs, blocks, lists, tables

A table becomes a list: its first cell, or the first two where the first is a number, are what is explained, the others explain it, each under
the name of its column where there is more than one.
"""
import re

import mdoc


def plain(text):
    """Without links and marks; code keeps its words."""
    text = re.sub(r"!?\[([^\]]*)\]\(([^)\s]*)\)", lambda m: m.group(1) if not re.match("https?:", m.group(2)) else "%s <%s>" % m.groups(), text)
    return text.replace("\\|", "|").replace("**", "").replace("`", "").replace("\\*", "*")


def cells(line):
    return [plain(c.strip()) for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def table(lines, names):
    head, rows = cells(lines[0]), [cells(line) for line in lines[2:]]
    out = [".Bl -tag -width Ds"]
    for row in rows:
        row += [""] * (len(head) - len(row))
        cut = 2 if re.fullmatch(r"-?\d+", row[0]) and len(row) > 2 else 1
        out.append(".It " + mdoc.words("%s, %s" % (row[1], row[0]) if cut == 2 else row[0]))
        filled = [(h, c) for h, c in zip(head[cut:], row[cut:]) if c]
        for k, (heading, cell) in enumerate(filled):
            out += [".br"] if k else []
            out += ([".Em %s :" % mdoc.quoted(heading)] if heading and len(head) - cut > 1 else []) + names.text(cell)
    return out + [".El"]


def convert(text, names):
    """The body of a page, from DESCRIPTION on."""
    out, lines, at, top = [".Sh DESCRIPTION"], text.split("\n"), 0, True

    def gap():
        if not top:
            out.append(".Pp")

    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = next(k for k in range(at + 1, len(lines)) if lines[k].startswith("```"))
            out += mdoc.shown(lines[at + 1:end])
            at, top = end + 1, False
            continue
        heading = re.match(r"(#+) +(.*)", line)
        if heading:
            if len(heading.group(1)) > 1:
                out.append(".%s %s" % ("Sh" if len(heading.group(1)) == 2 else "Ss", heading_of(heading.group(1), plain(heading.group(2)))))
            at, top = at + 1, True
            continue
        if not line.strip():
            at += 1
            continue
        end = at
        while end < len(lines) and lines[end].strip() and not re.match(r"```|#", lines[end]):
            end += 1
        part = lines[at:end]
        at = end
        if line.startswith("|"):
            out += table(part, names)
        elif line.startswith("    "):
            out += mdoc.shown([p[4:] for p in part])
        else:
            gap()
            out += names.text(plain(" ".join(part)))
        top = False
    return out


def heading_of(marks, text):
    return mdoc.escape(text.upper() if len(marks) == 2 else text)
