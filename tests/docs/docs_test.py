#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# docs_test.py - the documents say what the library does
#
#   docs_test.py SOURCE-ROOT SHARED-LIBRARY NFLOW CC... [-- CXX...]
#
# Every fenced block of README.md, CONTRIBUTING.md and docs/*.md is tested by its language:
#
#   c        with a main: compiled, linked and run; without: compiled, at file scope or as the body of a function
#   cpp      with a main: compiled, linked and run; without: compiled
#   sh test  run, with `nflow` on the path;  `sh` alone is not run
#   python   run; `python numpy` only where numpy is there; `python nflow` is compiled here and run by bindings/python/tests
#   json     parsed
#
# The blocks of one document run in order in one folder, which holds data.csv (examples/measurements.csv) and m.safetensors
# (a model of the density "moons"). Then: README's first program is examples/first.c, every status has its entry, every name of
# the library's tables and every field of the configs that users set is mentioned, relative links lead somewhere, headers are
# short and commented. At last the same checks must fail on documents that are wrong on purpose.
import glob
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HEADER_LINES = 400

PRELUDE = """#include <nflow/nflow.h>
#include <nflow/layer_type.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
"""
# What a block without a main may use without declaring it.
BODY = PRELUDE + """
int32_t fragment(nf_context *context, nf_flow *flow, nf_optimizer *adam, nf_dataset *data, nf_dataset *train, nf_dataset *valid,
                 nf_base *base, nf_layer **layers, int64_t n, int64_t n_layers, const float *x, const float *cond,
                 const double *weights, float *z, float *y, float *grad_x, double *log_prob, double *log_det, const char *path);
int32_t fragment(nf_context *context, nf_flow *flow, nf_optimizer *adam, nf_dataset *data, nf_dataset *train, nf_dataset *valid,
                 nf_base *base, nf_layer **layers, int64_t n, int64_t n_layers, const float *x, const float *cond,
                 const double *weights, float *z, float *y, float *grad_x, double *log_prob, double *log_det, const char *path)
{
    nf_status status = NF_OK;
    (void)context, (void)flow, (void)adam, (void)data, (void)train, (void)valid, (void)base, (void)layers, (void)n, (void)n_layers;
    (void)x, (void)cond, (void)weights, (void)z, (void)y, (void)grad_x, (void)log_prob, (void)log_det, (void)path;
    {
#line 1
%s
    }
    return status;
}
"""
NAMES = PRELUDE + r"""
static void choices(const char *config, const char *field)
{
    nf_field f;
    for (int32_t i = 0; nf_config_field(config, i, &f) == NF_OK; i++)
        if (!strcmp(f.name, field)) printf("choice %s\n", f.choices);
}
static void fields(const char *config)
{
    nf_field f;
    for (int32_t i = 0; nf_config_field(config, i, &f) == NF_OK; i++) printf("field %s %s\n", config, f.name);
}
int main(void)
{
    for (int32_t i = 0; nf_layer_type_at(i); i++) printf("name %s\n", nf_layer_type_at(i));
    for (int32_t i = 0; nf_base_type_at(i); i++) printf("name %s\n", nf_base_type_at(i));
    for (int32_t i = 0; nf_optimizer_type_at(i); i++) printf("name %s\n", nf_optimizer_type_at(i));
    for (int32_t i = 0; nf_dataset_synthetic_at(i); i++)
        printf("density %s %.17g\n", nf_dataset_synthetic_at(i), nf_dataset_synthetic_entropy(nf_dataset_synthetic_at(i), -1.0));
    choices("coupling_affine", "activation"), choices("coupling_affine", "mask"), choices("coupling_affine", "scale");
    choices("coupling_affine", "weights"), choices("permutation", "kind"), choices("realnvp", "preset");
    choices("fit", "schedule"), choices("read", "format"), choices("context", "backend"), choices("context", "isa");
    choices("coupling_conv", "mask"), choices("coupling_conv", "net"), choices("glow", "coupling"), choices("glow", "linear");
    choices("dequantise", "noise"), choices("squeeze", "order"), choices("read", "label_kind");
    fields("flow"), fields("fit"), fields("target"), fields("read"), fields("context"), fields("realnvp"), fields("coupling_affine"), fields("coupling_conv"), fields("coupling_spline"), fields("autoregressive");
    choices("coupling_spline", "form");
    fields("glow"), fields("realnvp_image"), fields("cnf"), fields("ffjord"), fields("table"), choices("table", "mix"), choices("table", "transform");
    choices("autoregressive", "transform"), choices("autoregressive", "direction"), choices("autoregressive", "order");
    choices("ffjord", "preset"), choices("cnf", "solver"), choices("cnf", "time"), choices("cnf", "trace"), choices("cnf", "probe"), choices("cnf", "gradient");
    return 0;
}
"""
# The document that must mention the fields of a config.
FIELDS_IN = {"flow": "docs/concepts.md", "fit": "docs/training.md", "target": "docs/variational.md", "read": "docs/data.md", "context": "docs/embedding.md", "realnvp": "docs/realnvp.md",
             "coupling_affine": "docs/realnvp.md", "coupling_conv": "docs/concepts.md", "coupling_spline": "docs/splines.md", "autoregressive": "docs/autoregressive.md", "glow": "docs/images.md",
             "realnvp_image": "docs/images.md", "cnf": "docs/continuous-flows.md", "ffjord": "docs/continuous-flows.md", "table": "docs/tables.md"}


class Tester:
    def __init__(self, root, library, nflow, cc, cxx, quiet=False):
        self.root, self.library, self.nflow, self.cc, self.cxx, self.quiet = root, library, nflow, cc, cxx, quiet
        self.failures, self.passed = [], 0
        self.work = tempfile.mkdtemp(prefix="nflow-docs-")
        self.env = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library),
                        PATH=os.path.dirname(nflow) + os.pathsep + os.environ.get("PATH", ""))

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def check(self, good, what, detail=""):
        if good:
            self.passed += 1
            return True
        self.failures.append(what)
        if not self.quiet:
            print("FAILED: " + what + ("\n    " + detail.strip().replace("\n", "\n    ") if detail.strip() else ""))
        return False

    def run(self, command, what, folder, timeout=300):
        done = subprocess.run(command, cwd=folder, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout)
        output = done.stdout.decode(errors="replace")
        self.check(done.returncode == 0, what, output)
        return output if done.returncode == 0 else None

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8") as file:
            return file.read()

    def documents(self):
        names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "RELEASING.md"] + sorted(
            os.path.relpath(p, self.root) for p in glob.glob(os.path.join(self.root, "docs", "*.md")))
        return [n for n in names if os.path.exists(os.path.join(self.root, n))]

    # ---- blocks

    def compile(self, text, name, folder, link):
        source = os.path.join(folder, name + ".c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        command = self.cc + ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(self.root, "include")]
        if not link:
            return command + ["-fsyntax-only", source], None
        program = os.path.join(folder, name)
        return command + [source, self.library, "-lm", "-pthread", "-Wl,-rpath," + os.path.dirname(self.library), "-o", program], program

    def block_c(self, text, what, name, folder):
        program = re.search(r"^int main\(", text, re.M)
        top = re.search(r"^(static|typedef|struct|#define|#include)\b", text, re.M)
        whole = text if program else PRELUDE + text if top else BODY % text
        command, executable = self.compile(whole, name, folder, bool(program))
        if not program and top:
            command.append("-Wno-unused-function")
        if self.run(command, what + ": compiles", folder) is not None and executable:
            self.run([executable], what + ": runs", folder)

    def block_cpp(self, text, what, name, folder):
        if not self.cxx:
            return
        source, program = os.path.join(folder, name + ".cpp"), os.path.join(folder, name)
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        command = self.cxx + ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-I", os.path.join(self.root, "include"), source]
        if not re.search(r"^int main\(", text, re.M):
            self.run(command + ["-fsyntax-only"], what + ": compiles", folder)
        elif self.run(command + [self.library, "-pthread", "-Wl,-rpath," + os.path.dirname(self.library), "-o", program], what + ": compiles", folder) is not None:
            self.run([program], what + ": runs", folder)

    def block(self, info, text, what, name, folder):
        words = info.split()
        language, marks = (words[0], words[1:]) if words else ("", [])
        if language == "c":
            self.block_c(text, what, name, folder)
        elif language == "cpp":
            self.block_cpp(text, what, name, folder)
        elif language == "sh" and "test" in marks:
            self.run(["sh", "-euc", text], what + ": runs", folder)
        elif language == "python":
            if "nflow" in marks:  # bindings/python/tests run these
                self.check(bool(compile(text, what, "exec")), what)
                return
            if "numpy" in marks and importlib.util.find_spec("numpy") is None:
                print(what + ": not run, numpy is not installed")
                return
            self.run([sys.executable, "-c", text], what + ": runs", folder)
        elif language == "json":
            try:
                json.loads(text)
                self.check(True, what)
            except ValueError as error:
                self.check(False, what + ": is JSON", str(error))

    def blocks(self, document):
        found, lines, at = [], self.read(document).split("\n"), 0
        while at < len(lines):
            if lines[at].startswith("```"):
                start = at + 1
                at = start
                while at < len(lines) and not lines[at].startswith("```"):
                    at += 1
                found.append((lines[start - 1][3:].strip(), "\n".join(lines[start:at]) + "\n", start))
            at += 1
        return found

    def run_blocks(self, document):
        folder = os.path.join(self.work, re.sub(r"\W", "_", document))
        os.mkdir(folder)
        shutil.copy(os.path.join(self.root, "examples", "measurements.csv"), os.path.join(folder, "data.csv"))
        shutil.copy(os.path.join(self.work, "m.safetensors"), folder)
        for k, (info, text, line) in enumerate(self.blocks(document)):
            self.block(info, text, "%s:%d" % (document, line), "block%d" % k, folder)

    # ---- text

    def links(self, document):
        text = re.sub(r"^```.*?^```", "", self.read(document), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path else document
            exists = os.path.exists(os.path.join(self.root, full))
            if self.check(exists, "%s: link to %s" % (document, target)) and anchor and full.endswith(".md"):
                self.check(anchor in self.anchors(full), "%s: heading of %s" % (document, target))

    def anchors(self, document):
        text = re.sub(r"^```.*?^```", "", self.read(document), flags=re.M | re.S)
        return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ +(.*)$", text, re.M)}

    def first_program(self):
        programs = [text for info, text, _ in self.blocks("README.md") if info == "c" and "int main(" in text]
        self.check(bool(programs) and programs[0] == self.read("examples/first.c"),
                   "README.md: its first program is examples/first.c, to the letter")

    def statuses(self):
        names = re.findall(r"X\(-?\d+, (NF_\w+),", self.read("include/nflow/status.h"))
        entries = self.read("docs/errors.md")
        self.check(len(names) > 30, "status.h: the list was found")
        for name in names:
            self.check("`%s`" % name in entries, "docs/errors.md: has " + name)

    def names(self):
        command, program = self.compile(NAMES, "names", self.work, True)
        if self.run(command, "names: compiles", self.work) is None:
            return
        everything = "\n".join(self.read(d) for d in self.documents())
        for line in (self.run([program], "names: runs", self.work) or "").splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "field":
                config, name = rest.split()
                self.check("`%s`" % name in self.read(FIELDS_IN[config]), "%s: mentions the field %s of %s" % (FIELDS_IN[config], name, config))
            elif kind == "density":
                name, entropy = rest.split()
                row = re.search(r"^\| `%s` .*$" % re.escape(name), self.read("docs/data.md"), re.M)
                shown = ("%.4f" % float(entropy)).rstrip("0")
                self.check(row is not None and shown in row.group(0), "docs/data.md: %s with its entropy %s" % (name, shown))
            else:
                for name in rest.split(","):
                    self.check("`%s`" % name in everything, "the documents mention `%s`" % name)

    def headers(self):
        for path in sorted(glob.glob(os.path.join(self.root, "include", "nflow", "*.h"))):
            name = os.path.relpath(path, self.root)
            text = self.read(name)
            self.check(text.count("\n") <= HEADER_LINES, "%s: at most %d lines" % (name, HEADER_LINES))
            self.check("0.1" in text, "%s: says since when" % name)
            for group in text.split("\n\n"):
                functions = re.findall(r"^NF_API [^;(]*?(nf_\w+)\(", group, re.M)
                if functions and not group.startswith("#define"):  # an initialiser and its constructor follow a commented config
                    self.check("/*" in group, "%s: %s is commented" % (name, functions[0]))

    def all(self):
        self.run([self.nflow, "train", "density:moons", "--layers", "2", "--hidden", "8", "--epochs", "2", "-n", "300", "--seed", "1",
                  "--quiet", "-o", "m.safetensors"], "a model for the documents", self.work)
        for document in self.documents():
            self.links(document)
            self.run_blocks(document)
        self.first_program()
        self.statuses()
        self.names()
        self.headers()


BROKEN = """# Broken on purpose

[nowhere](nowhere.md) [heading](README.md#no-such-heading)

```c
int main(void) { return 1; }
```

```c
status = nf_flow_no_such_call(flow);
```

```sh test
nflow fly
```

```python
raise SystemExit(3)
```

```cpp
int main() { return 2; }
```

```json
{"a": }
```
"""


def control(args):
    """The checks must find every fault of a broken document."""
    root = tempfile.mkdtemp(prefix="nflow-docs-control-")
    shutil.copytree(os.path.join(args[0], "include"), os.path.join(root, "include"))
    shutil.copytree(os.path.join(args[0], "examples"), os.path.join(root, "examples"))
    os.mkdir(os.path.join(root, "docs"))
    for name, text in (("README.md", BROKEN), ("docs/errors.md", "# Errors\n"), ("docs/data.md", "# Data\n")):
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)
    for name in set(FIELDS_IN.values()) - {"docs/data.md"}:
        open(os.path.join(root, name), "w", encoding="utf-8").close()
    tester = Tester(root, *args[1:], quiet=True)
    tester.all()
    tester.close()
    shutil.rmtree(root, ignore_errors=True)
    wanted = ["link to nowhere.md", "heading of README.md#no-such-heading", ":5: runs", ":9: compiles", ":13: runs", ":17: runs", ":21: runs", ":25: is JSON",
              "to the letter", "has NF_ERR_NULL", "`coupling_affine`", "the field epochs", "moons with its entropy"]
    return [w for w in wanted if not any(w in failure for failure in tester.failures)]


def main():
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    args = [os.path.abspath(a) for a in arguments[:3]] + [arguments[3:cut], arguments[cut + 1:]]
    tester = Tester(*args)
    tester.all()
    tester.close()
    missed = control(args)
    for what in missed:
        print("FAILED: control: the fault \"%s\" was not found" % what)
    print("%d passed, %d failed" % (tester.passed, len(tester.failures) + len(missed)))
    return 1 if tester.failures or missed else 0


if __name__ == "__main__":
    sys.exit(main())
