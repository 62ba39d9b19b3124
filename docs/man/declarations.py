# SPDX-License-Identifier: MIT
"""declarations.py - the public headers as the manual sees them: comments, and what is declared beneath each

A header is its first comment and a list of groups. A group is a comment that begins a line, and the declarations down to the next such
comment. tests/abi/headers.py reads the same files in its own way; tests/docs/man_test.py compares the two.
"""
import os
import re


class Item:
    """One declaration: kind is function, struct, opaque, callback, alias, enum or macro."""

    def __init__(self, kind, name, text, remark):
        self.kind, self.name, self.text, self.remark = kind, name, text, remark

    def is_initialiser(self):
        return self.kind == "function" and self.name.endswith("_config_init")

    def prototype(self):
        """(returned type, [parameter])"""
        flat = " ".join(self.text.split())
        result, inside = re.fullmatch(r"NF_API (.+?)\s*%s\((.*)\);" % self.name, flat).groups()
        return result, [] if inside == "void" else [p.strip() for p in inside.split(",")]

    def members(self):
        """[(what stands in the C text, remark)] of a struct's fields or an enum's constants."""
        return _members(self.text[self.text.index("{") + 1:self.text.rindex("}")], ";" if self.kind == "struct" else ",")


class Group:
    def __init__(self, comment):
        self.comment, self.items = comment, []

    def of(self, *kinds):
        return [i for i in self.items if i.kind in kinds]

    def functions(self):
        return self.of("function")

    def is_called(self):
        """Whether it has functions that are more than a config's initialiser."""
        return any(not f.is_initialiser() for f in self.functions())

    def types(self):
        return [i.name for i in self.of("struct", "opaque", "callback", "alias")]

    def code(self):
        return "\n".join(i.text for i in self.items)


class Header:
    def __init__(self, name, comment, groups):
        self.name, self.comment, self.groups = name, comment, groups


def plain(comment):
    """The text of a comment without its stars; lines keep their indentation."""
    inside = re.sub(r"^/\*\*?|\*/$", "", comment)
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() if k else line.strip() for k, line in enumerate(inside.split("\n"))]
    return "\n".join(lines).strip("\n")


def remark_of(text):
    return " ".join(re.sub(r"\n\s*\*(?!/) ?", " ", re.sub(r"^/\*+|\*+/$", "", text)).split())


def _members(body, end):
    """Fields or constants with their comments: behind one on its line, or before it on lines of its own."""
    found, before = [], ""
    pattern = re.compile(r"\s*(?:(/\*.*?\*/)|([^/%s]+)(?:%s|(?=/\*)|\Z)([ \t]*/\*.*?\*/)?)" % (end, end), re.S)
    for comment, code, behind in pattern.findall("" if "#" in body else body):  # the list of statuses has a page of its own
        if comment:
            before = remark_of(comment)
        elif code.strip():
            found.append((" ".join(code.split()), remark_of(behind.strip()) if behind else before))
            before = ""
    return found


def _kind(code):
    for kind, pattern in (("function", r"NF_API [^(]*?\b(nf\w+)\s*\("), ("macro", r"#define (\w+)"),
                          ("struct", r"typedef struct \w+ \{.*\} (\w+);"), ("opaque", r"typedef struct (\w+) \w+;"),
                          ("callback", r"typedef [^(;]*\(\*(\w+)\)"), ("enum", r"enum \{\s*(?:#.*?\n)?\s*(\w+)"),
                          ("alias", r"typedef [\w ]+ (\w+);")):
        match = re.match(pattern, code, re.S)
        if match:
            return kind, match.group(1)
    return None, None


ITEM = re.compile(r"(?P<comment>^/\*.*?\*/)|(?P<macro>^#define (?:[^\n]*\\\n)*[^\n]*)|(?P<other>^#[^\n]*)"
                  r"|(?P<code>^[A-Za-z](?:/\*.*?\*/|\{(?:/\*.*?\*/|[^{}])*\}|[^;{}])*;)(?P<remark>[ \t]*/\*.*?\*/)?", re.S | re.M)


def read(include, name):
    """The header include/nflow/<name>."""
    with open(os.path.join(include, "nflow", name), encoding="utf-8") as file:
        text = file.read()
    first = re.match(r"/\*.*?\*/", text, re.S)
    body = re.sub(r"^NF_(BEGIN|END)_DECLS$", "", text[first.end():], flags=re.M)
    groups, constants = [Group("")], []
    for match in ITEM.finditer(body):
        if match.group("comment"):
            groups.append(Group(plain(match.group("comment"))))
            continue
        code = match.group("macro") or match.group("code")
        kind, item = _kind(code) if code else (None, None)
        if not kind or item.endswith("_H"):
            continue
        remark = match.group("remark") or ""
        if kind == "macro" and "/*" in code:
            code, remark = code[:code.index("/*")].rstrip(), code[code.index("/*"):]
        item = Item(kind, item, code, remark_of(remark.strip()))
        if kind == "enum" and groups[-1].items and groups[-1].items[0].kind != "macro":  # constants without a comment of their own
            constants.append(Group(""))
            constants[-1].items.append(item)
        else:
            groups[-1].items.append(item)
    return Header(name, plain(first.group(0)), [g for g in groups if g.items] + constants)


def order(include):
    """Names of the headers in order of use: as nflow.h tells, then those that it leaves out."""
    with open(os.path.join(include, "nflow", "nflow.h"), encoding="utf-8") as file:
        told = list(dict.fromkeys(re.findall(r"nflow/(\w+\.h)", re.match(r"/\*.*?\*/", file.read(), re.S).group(0))))
    rest = sorted(f for f in os.listdir(os.path.join(include, "nflow")) if f.endswith(".h") and f not in told)
    return [n for n in told if n != "nflow.h"] + rest


def read_all(include):
    return [read(include, name) for name in order(include)]
