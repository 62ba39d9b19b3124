# SPDX-License-Identifier: MIT
"""mdoc.py - text of the headers' comments as mdoc(7)

A comment is made of paragraphs, lists ("name  what it is", two blanks or more between, continued at the same column) and indented lines,
which stand as they are. Names of functions, types and constants get their macros.
"""
import re

WIDTH = 78
TAG = re.compile(r'^( *)([\w"<>_][\w",._ ]{0,40}?) {2,}(\S.*)$')
NAME = re.compile(r'^([(\[]*)((?:nf|NF)_\w*(?:\.\.\.|\*)?)(?:\(\))?([.,;:)\]?!]*)$')
THREADS = re.compile(r"^(Threads:|Shared-read|Exclusive|Immutable|Confined|Allocates|Lifetime:|Fork:|Static memory|One atomic store|"
                     r"The same bits for any number)")
LABEL = re.compile(r"^(Threads|Lifetime|Fork):")
LAST = re.compile(r"^(Refs?:)")
SINCE = re.compile(r"^(Everything here since|Since) \d")
ERRORS = re.compile(r"^(Returns )?NF_[A-Z]|^.{0,90}: NF_(ERR|OK)")
ENDS_ERRORS = re.compile(r"^(Parameters|Get is|Temperature)")


def escape(text):
    """Text as roff reads it; characters beyond ASCII by their number."""
    text = text.replace("\\", "\\e")
    return "".join(c if ord(c) < 128 else "\\[u%04X]" % ord(c) for c in text)


def line_of(text):
    """One line of text, not taken for a request."""
    text = escape(text)
    return "\\&" + text if text[:1] in (".", "'") else text


def words(text):
    """Arguments of a macro: none of them is taken for a quotation."""
    return escape(text).replace('"', "\\(dq")


def quoted(argument):
    """One argument of a macro."""
    argument = words(argument)
    return '"%s"' % argument if " " in argument or not argument else argument


class Names:
    """What names refer to: pages of functions and types."""

    def __init__(self, pages, functions):
        self.pages, self.functions = pages, functions  # {name: page}, names

    def macro(self, token, own=""):
        """The macro line of a word such as `(nf_flow_fit,`, or None."""
        marked = re.match(r"^(`|\*)(\w+)\1([.,;:)]*)$", token)
        if marked:
            return " ".join([".Va" if marked.group(1) == "`" else ".Em", marked.group(2), *marked.group(3)])
        match = NAME.match(token)
        if not match:
            return None
        before, name, after = match.groups()
        page = self.pages.get(name)
        if name.startswith("NF_"):
            words = ["Dv", *before, name]
        elif page == own and page:
            words = ["Fn" if name in self.functions else "Vt", *before, name]
        elif page:
            words = ["Xr", *before, name, "3"]
        else:
            words = ["Vt", *before, name]
        return "." + " ".join(words + list(after))

    def text(self, prose, own=""):
        """Lines of running text; a sentence begins a line."""
        lines, now = [], ""
        for token in prose.split():
            macro = self.macro(token, own)
            if macro or len(now) + len(token) >= WIDTH:
                lines += [now] if now else []
                now = ""
            if macro:
                lines.append(macro)
                continue
            token = token.replace("`", "")
            now = now + " " + escape(token) if now else line_of(token)
            if re.search(r'[^.][.!?][)"]?$', token) and token not in ("e.g.", "i.e.", "al."):
                lines.append(now)
                now = ""
        return lines + ([now] if now else [])


def sentences(paragraph):
    parts = re.split(r'(?<=[^.][.])\s+(?=[A-Z"*(\[]|NF_|nf_|\w+ = )', paragraph)
    joined = []
    for part in parts:
        if joined and re.search(r"\b(e\.g|i\.e|al|cf)\.$", joined[-1]):
            joined[-1] += " " + part
        else:
            joined.append(part)
    return joined


def blocks(comment):
    """[(kind, content)]: text "..."; list [(tag, text)]; shown [line]."""
    found, lines = [], comment.split("\n")
    base = 0
    for line in lines:
        tag = TAG.match(line)
        indent = len(line) - len(line.lstrip())
        last = found[-1] if found else None
        if not line.strip():
            found.append(("gap", None))
        elif tag and not (last and last[0] == "shown"):
            if not (last and last[0] == "list"):
                found.append(("list", []))
            found[-1][1].append([tag.group(2), tag.group(3)])
            base = len(tag.group(1))
        elif last and last[0] == "list" and indent > base:
            last[1][-1][1] += " " + line.strip()
        elif indent >= 2 and not line.lstrip().startswith("NF_"):
            if not (last and last[0] == "shown"):
                found.append(("shown", []))
            found[-1][1].append(line)
        elif last and last[0] == "text":
            found[-1] = ("text", last[1] + " " + line.strip())
        else:
            found.append(("text", line.strip()))
    return [f for f in found if f[0] != "gap"]


class Description:
    """A comment taken apart: what it is, its threads and memory, its errors, references, since when."""

    def __init__(self, comment, whole=False):
        self.whole = whole  # nothing is taken out of its context but references
        self.body, self.threads, self.errors, self.references, self.since = [], [], [], [], ""
        comment = re.sub(r"\A(SPDX.*\n\s*)?\w+\.h - .*\n", "", comment)
        for kind, content in blocks(comment):
            if kind == "text":
                self.paragraph(content)
            else:
                self.body.append((kind, content))

    def paragraph(self, text):
        kept, errors, into, labelled = [], [], None, False
        for sentence in sentences(text):
            if SINCE.match(sentence):
                self.since = re.search(r"[\d.]+", sentence).group(0).rstrip(".")
            elif LAST.match(sentence):
                self.references.append(sentence)
                into = self.references
            elif self.whole:
                kept.append(sentence)
            elif THREADS.match(sentence) or (into is self.threads and labelled and not ERRORS.match(sentence)):
                self.threads.append(sentence)
                into, labelled = self.threads, labelled or bool(LABEL.match(sentence))
            elif ERRORS.match(sentence) or (into is errors and not ENDS_ERRORS.match(sentence)):
                errors.append(sentence)
                into = errors
            elif into is self.references:
                self.references[-1] += " " + sentence
            else:
                kept.append(sentence)
                into = None
        if kept:
            self.body.append(("text", " ".join(kept)))
        if errors:
            self.errors.append(" ".join(errors))


def body(names, parts, own=""):
    """Blocks as mdoc."""
    lines = []
    for k, (kind, content) in enumerate(parts):
        if kind == "text":
            lines += ([".Pp"] if k and lines[-1] != ".El" or k else []) + names.text(content, own)
        elif kind == "shown":
            lines += shown([line[min(len(l) - len(l.lstrip()) for l in content):] for line in content])
        else:
            lines += tags(names, content, own)
    return lines


def shown(code):
    """Lines as they stand."""
    return [".Bd -literal -offset indent"] + [line_of(line) for line in code] + [".Ed"]


def tags(names, pairs, own="", macro="Ar"):
    lines = [".Bl -tag -width Ds"]
    for tag, text in pairs:
        lines.append(".It %s %s" % ("Dv" if tag.startswith("NF_") else macro, quoted(tag)))
        lines += names.text(text, own)
    return lines + [".El"]
