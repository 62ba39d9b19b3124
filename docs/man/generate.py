#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""generate.py - the manual: a page for each public function, and what belongs to all of them

    generate.py SOURCE-ROOT man3|man5|man7 FOLDER [DEPFILE]

man3 is made from the comments of include/nflow/*.h, with examples from docs/ and examples/; man5 and man7 from docs/model-format.md
and docs/errors.md. FOLDER is made anew. The date of every page is that of docs/man/nflow.1, so that the same sources give the same bytes.

Functions that share a comment share a page; their other names are files of one line that lead there. A struct is on the page of the
function that takes it, constants are on every page that mentions them.
"""
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import declarations
import markdown
import mdoc
import snippets


class Page:
    """Groups of declarations that are explained together."""

    def __init__(self, header, groups):
        self.header, self.groups = header, groups
        self.functions = [f for g in groups for f in g.functions()]
        self.names = [f.name for f in sorted(self.functions, key=lambda f: f.is_initialiser())]
        self.types = [t for g in groups for t in g.types()]
        opaque = groups[-1].of("opaque")
        self.name = opaque[0].name if opaque else self.names[0]
        self.notes = [mdoc.Description(g.comment, whole=not g.is_called() and not g.of("opaque")) for g in groups]

    def shown_names(self):
        return list(dict.fromkeys([self.name] + self.names + self.types))


def pages_of(header):
    """Groups without a call go to the first later page that mentions their types; what is left are constants."""
    found, waiting = [], []
    for group in header.groups:
        if not group.is_called():
            waiting.append(group)
            continue
        taken, grown = [group], True
        while grown:
            code = "\n".join(g.code() for g in taken)
            more = [g for g in waiting if g not in taken and any(re.search(r"\b%s\b" % t, code) for t in g.types())]
            taken, grown = more + taken, bool(more)
        taken = [g for g in waiting if g in taken] + [group]
        waiting = [g for g in waiting if g not in taken]
        found.append(Page(header, taken))
    return found, waiting


class Manual:
    def __init__(self, root):
        self.root = root
        include = os.path.join(root, "include")
        self.headers = declarations.read_all(include)
        self.pages, self.constants = [], []
        for header in self.headers:
            pages, rest = pages_of(header)
            self.pages += pages
            self.constants += [i for g in header.groups for i in self.enums(g)]
            lost = [t for g in rest for t in g.types() if t != "nf_status"]
            if lost:
                raise SystemExit("generate.py: %s: no function takes %s" % (header.name, ", ".join(lost)))
        self.names = mdoc.Names({name: page.name for page in self.pages for name in page.shown_names()},
                                {f.name for page in self.pages for f in page.functions})
        self.snippets, self.sources = snippets.gather(root)
        self.statuses = self.read_statuses()
        self.date = re.search(r"^\.Dd (.*)$", self.read("docs/man/nflow.1"), re.M).group(1)
        self.version = re.search(r"version: '([\d.]+)'", self.read("meson.build")).group(1)
        self.since = {h.name: mdoc.Description(h.comment).since for h in self.headers}

    def read(self, name):
        self.sources = getattr(self, "sources", []) + [os.path.join(self.root, name)]
        with open(os.path.join(self.root, name), encoding="utf-8") as file:
            return file.read()

    def read_statuses(self):
        found = re.findall(r'X\((-?\d+), (NF_\w+), "(.*?)"\)', self.read("include/nflow/status.h"))
        return {name: text for _, name, text in found}

    @staticmethod
    def enums(group):
        """[(title, enum)]: the group's comment stands over its first."""
        return [("" if k or not group.comment or group.functions() else group.comment, e) for k, e in enumerate(group.of("enum"))]

    def head(self, title, section, source):
        return ['.\\" SPDX-License-Identifier: MIT', '.\\" Made from %s by docs/man/generate.py' % source, ".Dd " + self.date,
                ".Dt %s %s" % (title.upper(), section), ".Os libnflow " + self.version]

    # ---- parts of a page of section 3

    def name_lines(self, page):
        shown = page.shown_names()
        lines = [".Sh NAME"] + [".Nm %s%s" % (n, " ," if k + 1 < len(shown) else "") for k, n in enumerate(shown)]
        return lines + [".Nd " + mdoc.words(self.summary(page))]

    @staticmethod
    def summary(page):
        """The beginning of the comment, as far as it is one thought."""
        text = re.sub(r"\n *\n.*", "", page.groups[-1].comment, flags=re.S)
        text = " ".join(re.split(r"\n {2,}", text)[0].split())
        text = re.split(r"(?<=[^.])(?<!e\.g)[.;] (?=[A-Za-z\"*])|\.$|: ", text)[0].rstrip(".:;").replace("`", "").replace("*", "")
        first = text.split()[0]
        return text if first != first.capitalize() or len(first) == 1 and first != "A" else text[0].lower() + text[1:]

    def synopsis(self, page):
        lines = [".Sh SYNOPSIS", ".In nflow/%s" % page.header.name]
        for f in sorted(page.functions, key=lambda f: f.is_initialiser()):
            result, parameters = f.prototype()
            lines += [".Ft " + mdoc.quoted(result), ".Fo " + f.name]
            lines += [".Fa " + mdoc.quoted(p) for p in parameters] + [".Fc"]
        return lines

    def remarks(self, page):
        """What stands behind single functions."""
        pairs = [(f.name, f.remark) for f in page.functions if f.remark]
        lines = [".Bl -tag -width Ds"] if pairs else []
        for name, remark in pairs:
            lines += [".It Fn " + name] + self.names.text(remark, page.name)
        return lines + ([".El"] if pairs else [])

    def struct(self, item, page):
        lines, initialiser = [], "NF_" + item.name[3:].upper() + "_INIT"
        if item.name.endswith("_config"):
            lines += ["Begin with", ".Dv " + initialiser, "or", ".Fn %s_init ." % item.name, "Every zero means the default."]
        elif item.members()[0][0] == "uint32_t struct_size" and item.name.endswith("_report"):
            lines += ["Set", ".Va struct_size", "before the call."]
        lines.append(".Bl -tag -width Ds")
        for code, remark in item.members():
            if code.split()[-1] not in ("struct_size", "reserved"):
                lines += [".It Vt " + mdoc.quoted(code)] + self.names.text(remark, page.name)
        return lines + [".El"]

    def types(self, page):
        """Structs and callbacks, each under its own comment unless that is the function's."""
        lines = []
        for group, notes in zip(page.groups, page.notes):
            own = [] if group.is_called() else mdoc.body(self.names, notes.body, page.name)
            for item in group.of("struct", "callback", "alias"):
                lines.append(".Ss %s%s" % ("struct " if item.kind == "struct" else "", item.name))
                shown = self.struct(item, page) if item.kind == "struct" else mdoc.shown(item.text.split("\n"))
                lines += own + ([".Pp"] if own and not shown[0].startswith(".B") else []) + shown
                own = []
        return lines

    def constant_lines(self, page):
        """The constants that the page speaks of, by name or as NF_MASK_..."""
        text = "\n".join(g.comment + "\n" + g.code() + " ".join(i.remark for i in g.items) for g in page.groups)
        lines = []
        for title, enum in self.constants:
            members = [(code.split(" ")[0], code, remark) for code, remark in enum.members()]
            prefixes = re.findall(r"\b(NF_\w+_)\.\.\.", text)
            if any(re.search(r"\b%s\b" % n, text) or any(re.fullmatch(p + r"[A-Z0-9_]+", n) for p in prefixes) for n, _, _ in members):
                lines += [".Pp"] if lines else [".Ss Constants"]
                lines += mdoc.body(self.names, mdoc.Description(title).body, page.name)
                lines.append(".Bl -tag -width Ds -compact")
                for _, code, remark in members:
                    lines += [".It Dv " + mdoc.quoted(code)] + self.names.text(remark, page.name)
                lines.append(".El")
        return lines

    def description(self, page):
        lines = [".Sh DESCRIPTION"]
        for group, notes in zip(page.groups, page.notes):
            if group.is_called() or group.of("opaque"):
                parts = mdoc.body(self.names, notes.body, page.name)
                lines += ([".Pp"] if parts and len(lines) > 1 else []) + parts
        lines += self.remarks(page) + self.types(page) + self.constant_lines(page)
        common = mdoc.Description(page.header.comment)
        rest = mdoc.body(self.names, common.body, page.name)
        return lines + ([".Ss All functions of nflow/" + page.header.name] + rest if rest else [])

    def section(self, title, paragraphs, page, before=()):
        lines = list(before)
        for paragraph in paragraphs:
            lines += ([".Pp"] if lines else []) + self.names.text(paragraph, page.name)
        return [".Sh " + title] + lines if lines else []

    def errors(self, page):
        if not any(f.prototype()[0] == "nf_status" for f in page.functions):
            return self.section("RETURN VALUES", [e for n in page.notes for e in n.errors], page)
        own = [e for n in page.notes for e in n.errors]
        common = mdoc.Description(page.header.comment).errors
        lines = self.section("ERRORS", own, page) or [".Sh ERRORS"]
        if common:
            lines += ([".Pp"] if own else []) + ["All functions of", ".In nflow/%s :" % page.header.name]
            for paragraph in common:
                lines += [".Pp"] + self.names.text(paragraph, page.name)
        text = " ".join(common + [g.comment for g in page.groups])
        if "NF_ERR_CONFIG_*" in text:
            text += " NF_ERR_CONFIG_SMALL NF_ERR_CONFIG_OLD NF_ERR_CONFIG_NEW"
        named = [n for n in self.statuses if re.search(r"\b%s\b" % n, text)] or ["NF_ERR_NULL", "NF_ERR_HANDLE"]
        lines += [".Bl -tag -width Ds -compact"]
        for name in named:
            lines += [".It Dv " + name, mdoc.escape(self.statuses[name])]
        return lines + [".El", ".Pp", "A line about the failure is in", ".Xr nf_last_error 3 ;", "causes and cures are in", ".Xr nflow-errors 7 ."]

    def example(self, page):
        snippet = snippets.best(self.snippets, page.names)
        if not snippet:
            return []
        said = {"program": "A whole program", "block": "A fragment", "function": "A function"}[snippet.kind]
        return [".Sh EXAMPLES", "%s of" % said, ".Pa %s :" % snippet.source] + mdoc.shown(snippet.text.rstrip("\n").split("\n"))

    def see_also(self, page, lines):
        text = "\n".join(lines)
        wanted = set(re.findall(r"^\.Xr (?:\( )?(nf_\w+) 3", text, re.M))
        own = self.names.pages
        pages = {own[n] for n in wanted if n in own} | {"libnflow"}
        near = [p for p in self.pages if p.header is page.header]
        at = near.index(page)
        pages |= {p.name for p in (near if len(near) <= 7 else near[max(at - 2, 0):at + 3])}
        pages.discard(page.name)
        every = [(p, "3") for p in sorted(pages)] + [("nflow-model", "5")] * (page.header.name == "model.h") + [("nflow-errors", "7")]
        every.sort(key=lambda e: (e[1], e[0]))
        lines = [".Sh SEE ALSO"] + [".Xr %s %s%s" % (n, s, " ," if k + 1 < len(every) else "") for k, (n, s) in enumerate(every)]
        references = [r for n in page.notes for r in n.references]
        for reference in references:
            lines += [".Pp"] + self.names.text(re.sub(r"^Refs?: ", "", reference), page.name)
        return lines

    def history(self, page):
        since = next((n.since for n in page.notes if n.since), "") or self.since[page.header.name]
        return [".Sh HISTORY", "Since libnflow %s." % since]

    def page(self, page):
        lines = self.head(page.name, "3", "include/nflow/" + page.header.name) + self.name_lines(page) + self.synopsis(page)
        lines += self.description(page)
        common = mdoc.Description(page.header.comment).threads
        own = [" ".join(n.threads) for n in page.notes if n.threads]
        lines += self.section("THREADS AND MEMORY", own + ([" ".join(common)] if common else []), page)
        lines += self.example(page) + self.errors(page)
        return lines + self.see_also(page, lines) + self.history(page)

    # ---- the overview

    def overview(self):
        header = declarations.read(os.path.join(self.root, "include"), "nflow.h")
        notes = mdoc.Description(header.comment)
        lines = self.head("libnflow", "3", "include/nflow/*.h")
        lines += [".Sh NAME", ".Nm libnflow", ".Nd " + mdoc.escape(self.title(header)), ".Sh SYNOPSIS", ".In nflow/nflow.h",
                  ".Dl cc program.c $(pkg-config --cflags --libs nflow)", ".Sh DESCRIPTION"]
        lines += mdoc.body(self.names, [b for b in notes.body if b[0] != "shown"], "libnflow")
        for h in self.headers:
            pages = [p for p in self.pages if p.header is h]
            if pages:
                lines += [".Ss nflow/" + h.name, mdoc.escape(self.title(h)[0].upper() + self.title(h)[1:]) + ":", ".Bl -tag -width Ds -compact"]
                for p in pages:
                    lines += [".It Xr %s 3" % p.name, mdoc.line_of(self.summary(p))]
                lines.append(".El")
        first = snippets.program_of(os.path.join(self.root, "examples", "first.c"), "examples/first.c")
        lines += [".Sh EXAMPLES", "A whole program of", ".Pa examples/first.c :"] + mdoc.shown(first.text.rstrip("\n").split("\n"))
        lines += [".Sh SEE ALSO", ".Xr nflow 1 ,", ".Xr nflow-model 5 ,", ".Xr nflow-errors 7"]
        return lines + [".Sh HISTORY", "Since libnflow 0.1."]

    @staticmethod
    def title(header):
        return re.match(r"(?:SPDX.*\n\s*)?\w+\.h - (.*)", header.comment).group(1)

    # ---- the sections

    def man3(self):
        yield "libnflow.3", self.overview()
        for page in self.pages:
            yield page.name + ".3", self.page(page)
            for name in page.shown_names():
                if name != page.name:
                    yield name + ".3", [".so man3/%s.3" % page.name]

    def man5(self):
        lines = self.head("nflow-model", "5", "docs/model-format.md")
        lines += [".Sh NAME", ".Nm nflow-model", ".Nd files of models and checkpoints"]
        lines += markdown.convert(self.read("docs/model-format.md"), self.names)
        yield "nflow-model.5", lines + [".Sh SEE ALSO", ".Xr nflow 1 ,", ".Xr nf_flow_load 3 ,", ".Xr nf_flow_save 3 ,", ".Xr nf_flow_verify 3"]

    def man7(self):
        lines = self.head("nflow-errors", "7", "docs/errors.md")
        lines += [".Sh NAME", ".Nm nflow-errors", ".Nd statuses of libnflow, their usual causes and cures"]
        lines += markdown.convert(self.read("docs/errors.md"), self.names)
        yield "nflow-errors.7", lines + [".Sh SEE ALSO", ".Xr nflow 1 ,", ".Xr libnflow 3 ,", ".Xr nf_last_error 3 ,", ".Xr nf_status_name 3"]


def write(folder, pages):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, lines in pages:
        with open(os.path.join(folder, name), "w", encoding="ascii", newline="\n") as file:
            file.write("\n".join(lines) + "\n")


def main():
    root, section, folder = sys.argv[1:4]
    manual = Manual(root)
    write(folder, list(getattr(manual, section)()))
    if len(sys.argv) > 4:
        here = os.path.dirname(os.path.abspath(__file__))
        inputs = sorted(set(manual.sources + [os.path.join(root, "include", "nflow", h.name) for h in manual.headers] +
                            [os.path.join(here, f) for f in os.listdir(here) if f.endswith(".py")]))
        with open(sys.argv[4], "w", encoding="utf-8") as file:
            file.write("%s: %s\n" % (folder, " ".join(p.replace(" ", "\\ ") for p in inputs)))


if __name__ == "__main__":
    main()
