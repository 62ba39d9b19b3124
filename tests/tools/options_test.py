#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""options_test.py - the options of `nflow`: every one documented, every one accepted

    options_test.py PATH/TO/nflow PATH/TO/nflow.1

1. The options that `nflow CMD --help` prints are those of the manual page, in both directions.
2. Every option of every command runs with a valid value (SAMPLES) and exits with 0; an option without a sample fails the test.
3. A value that cannot be right is refused with code 2 and a line that names the option.
4. The keys of the JSON line are those of the manual page.
5. On a terminal training shows a line with the time left that never wraps; elsewhere it shows none.
"""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

COMMANDS = ["train", "score", "sample", "interpolate", "attribute", "info", "plot", "check", "doctor"]
WITH_TABLES = ["train", "score", "interpolate", "attribute", "check", "plot"]

# option: a valid value, or None for a flag; "command option" goes before "option"
SAMPLES = {
    "output": "out.bin", "plot output": "out.png", "arch": "realnvp", "preset": "book", "layers": "2", "hidden": "8x2",
    "activation": "tanh", "mask": "half", "scale": "safe", "bound": "1.5", "separate": "yes", "actnorm": "no", "dtype": "f64",
    "weights": "he", "objective": "flow-matching", "pairing": "transport", "epochs": "2", "batch": "64", "lr": "1e-3", "schedule": "step", "final-lr-factor": "0.1", "factor": "0.5",
    "step-epochs": "1", "plateau-epochs": "1", "warmup-steps": "2", "optimizer": "adamw", "beta1": "0.8", "beta2": "0.99",
    "eps": "1e-7", "weight-decay": "0.01", "momentum": "0.5", "nesterov": None, "clip-norm": "-1", "l2": "1e-5",
    "ema-decay": "0.9", "val": "25%", "patience": "1", "standardise-all": None, "keep-last": None, "seed": "7", "rows": "200", "noise": "0.2",
    "height": "2", "width": "1", "channels": "1", "zoom": "3", "sample columns": "5", "temperatures": "0.5,1", "pairs": "0:3,7:1",
    "with-label": "1", "without-label": "0", "pick": "3,0", "amounts": "-1,0.5", "attribute drop": "3",
    "embed": "8,4", "embed-dim": "3", "embed-activation": "tanh", "columns-kind": "0:real,1:positive(-20)", "mix": "random", "transform": "spline", "bins": "4",
    "coupling": "additive", "levels": "1", "bits": "5", "linear": "plain", "hidden-channels": "8", "blocks": "1", "alpha": "0.1",
    "time": "concat", "solver": "tsit5", "trace": "hutchinson", "probe": "gaussian", "probes": "2", "end-time-fixed": None, "end-time": "0.25",
    "rtol": "1e-3", "atol": "1e-3", "step": "0.1", "max-steps": "200", "gradient": "adjoint", "kinetic": "0.01", "jacobian": "0.01",
    "steps": "4", "path": "spherical", "no-standardise": None, "robust": None, "no-init": None, "progress-steps": "1", "checkpoint": "state.ckpt",
    "checkpoint-epochs": "1", "resume": "old.ckpt", "first": "3", "temperature": "0.5", "sample cond": "0.5", "plot cond": "0.5",
    "cond": "2", "params": None, "verify": None, "data": "density:moons", "grid": "16", "pair": "1,0", "format": "csv",
    "header": "no", "separator": ",", "skip-lines": "1", "columns": "1,0", "drop": "2", "max-rows": "40",
    "labels": "table.labels", "label-kind": "number", "label-classes": "3", "threads": "1", "backend": "cblas",
    "isa": "baseline", "curve": "curve.csv", "memory-budget": "1e7", "max-file-bytes": "1e8", "max-elements": "1e8", "max-solver-steps": "1e4", "json": None, "quiet": None,
}
# what an option needs beside it: replaces the data, adds words, or uses the conditional model
NEEDS_TABLE = {"format", "header", "separator", "skip-lines", "columns", "drop", "cond", "embed", "embed-dim", "embed-activation", "pair", "max-rows", "labels", "label-kind", "label-classes"}
NEEDS_EMBEDDED = {"embed", "embed-dim", "embed-activation"}
NEEDS_LABELS = {"label-kind", "label-classes"}
BAD = {  # option: values that must be refused
    "epochs": ["0", "-1", "x", "1.5", ""], "layers": ["-1", "9999"], "hidden": ["4y2", "-3", ","], "lr": ["-1", "0", "nan", "1e999"],
    "threads": ["0", "-1", "many"], "val": ["120%", "1", "x"], "preset": ["fancy"], "activation": ["rleu"], "optimizer": ["sdg"],
    "schedule": ["never"], "objective": ["matching", "flow_matching"], "pairing": ["optimal"], "batch": ["0"], "ema-decay": ["1", "-0.5"], "rows": ["1", "3.5"], "seed": ["-1", "x"], "dtype": ["f16"],
    "embed": ["4y2", "-3", ","], "embed-dim": ["-1", "70000", "x"], "embed-activation": ["rleu"], "label-kind": ["hot"], "solver": ["dopri8"], "rtol": ["-1", "x"], "gradient": ["exact"], "probes": ["-1"], "end-time": ["-1"], "max-rows": ["-1", "x"],
}

IMAGE_OPTIONS = {  # what such an option needs beside it
    "height": ["--width", "1"], "width": ["--height", "2"], "channels": ["--height", "2", "--width", "1"], "zoom": ["--height", "1", "--width", "2"],
    "columns": ["--height", "1", "--width", "2"], "temperatures": ["--height", "1", "--width", "2"],
}
ARCH_OPTIONS = {  # options of architectures but realnvp
    "coupling": "glow", "levels": "glow", "steps": "glow", "bits": "glow", "linear": "glow", "hidden-channels": "glow", "blocks": "realnvp_image",
    "alpha": "realnvp_image",
    "time": "ffjord", "solver": "ffjord", "trace": "ffjord", "probe": "ffjord", "probes": "ffjord", "end-time-fixed": "ffjord", "end-time": "ffjord",
    "rtol": "ffjord", "atol": "ffjord", "step": "ffjord", "max-steps": "ffjord", "gradient": "ffjord", "kinetic": "ffjord", "jacobian": "ffjord",
    "columns-kind": "nsf", "mix": "nsf", "bins": "nsf", "transform": "maf",
    "objective": "ffjord", "pairing": "ffjord",
}

nflow = os.path.abspath(sys.argv[1])
failures = 0


def fail(text):
    global failures
    failures += 1
    print("FAILED:", text, file=sys.stderr)


def run(*words):
    return subprocess.run([nflow, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)


def help_options(command):
    return set(re.findall(r"^  (?:-\w, |    )--([a-z0-9-]+)", run(command, "--help").stdout, re.M)) | {"help"}


def manual_sections(path):
    """Options of the .It lines of each subsection."""
    sections, name = {}, None
    with open(path) as file:
        for line in file:
            if line.startswith(".S"):
                name = line.split()[1] if line.startswith(".Ss") else None
            elif name and line.startswith(".It"):
                sections.setdefault(name, set()).update(re.findall(r"Fl -([a-z0-9-]+)", line))
    return sections


def check_manual(path):
    sections = manual_sections(path)
    for command in COMMANDS:
        shown = help_options(command)
        written = sections.get(command, set()) | sections["Machine"] | sections["Output"]
        if command in WITH_TABLES:
            written |= sections["Tables"]
        for option in sorted(shown - written):
            fail(f"manual: nflow {command} --{option} is not described")
        for option in sorted(written - shown):
            fail(f"manual: nflow {command} has no --{option}")


def manual_keys(path):
    """The words below each .It of the section JSON."""
    with open(path) as file:
        section = file.read().split("\n.Sh JSON\n")[1].split("\n.Sh ")[0]
    keys = {}
    for item in section.split("\n.It Cm ")[1:]:
        name, text = item.split("\n", 1)
        keys[name] = set(re.findall(r"[a-z][a-z0-9_]*", re.sub(r"\(.*?\)|\n\.El.*", "", text, flags=re.S)))
    return keys


def check_keys(path):
    keys = manual_keys(path)
    for command in COMMANDS:
        more = ["--verify", "--params"] if command == "info" else []
        answer = run(*words_of(command, "json"), "--json", *more)
        shown = set(json.loads(answer.stdout.splitlines()[-1])) if answer.returncode == 0 else set()
        if answer.returncode and not missing_here(command, "json", answer):
            fail(f"nflow {command} --json: exit code {answer.returncode}: {answer.stderr.strip()}")
        elif answer.returncode == 0 and shown != keys[command]:
            fail(f"manual: the JSON of {command} differs in {sorted(shown ^ keys[command])}")


def attribute_words(option):
    """Labels are a conditioning column, or a file of their own."""
    words = ["attribute", "plain.nf", "spare.csv" if option == "drop" else "labels.csv", "--with-label", "1"]
    if option.startswith("label"):
        return words + (["--drop", "2"] if option == "labels" else ["--drop", "2", "--labels", "table.labels"])
    words += [] if option == "cond" else ["--cond", "2"]
    return words + (IMAGE_OPTIONS[option] + ["-o", "images.png"] if option in ("height", "width", "channels", "zoom") else [])


def arch_words(option):
    """A run of the architecture that has the option."""
    if ARCH_OPTIONS[option] in ("nsf", "maf"):
        return ["train", "density:moons-sklearn", "-o", "train.nf", "--arch", ARCH_OPTIONS[option], "--hidden", "4", "--layers", "2", "--epochs", "1",
                "--rows", "100"]
    if ARCH_OPTIONS[option] == "ffjord":
        matching = ["--objective", "flow-matching"] if option == "pairing" else []
        return ["train", "density:moons-sklearn", "-o", "train.nf", "--arch", "ffjord", "--hidden", "4", "--epochs", "1", "--rows", "100", *matching]
    small = [] if option == "levels" else ["--levels", "1"]
    small += [] if option == "hidden-channels" else ["--hidden-channels", "4"]
    return ["train", "images.csv", "-o", "train.nf", "--height", "4", "--width", "2", "--epochs", "1", "--arch", ARCH_OPTIONS[option], *small]


def words_of(command, option):
    """A small run of the command that fits the option."""
    conditional = option == "cond" and command != "train"
    labelled = option == "labels" or option in NEEDS_LABELS
    model = "number.nf" if option == "label-kind" else "labels.nf" if labelled else "cond.nf" if conditional else "plain.nf"
    table = option in NEEDS_TABLE and command in WITH_TABLES
    data = "table.csv" if table else "density:moons-sklearn"
    quick = ["--layers", "2", "--hidden", "8", "--epochs", "2", "--schedule", "constant", "--rows", "100"]
    words = {
        "train": ["train", data, "-o", "train.nf", *quick],
        "score": ["score", model, data, "--rows", "50"],
        "sample": ["sample", model, "-n", "20"],
        "interpolate": ["interpolate", model, data, "--rows", "50"],
        "attribute": [],
        "info": ["info", model],
        "plot": ["plot", model, "-o", "plot.png", "--grid", "16", "--rows", "50", *(["--data", data] if table and not conditional else [])],
        "check": ["check", model, data, "--rows", "50"],
        "doctor": ["doctor"],
    }[command]
    images = option in IMAGE_OPTIONS and (command in ("train", "sample") or command == "interpolate" and not table)
    if images:
        words += IMAGE_OPTIONS[option] + (["-o", "images.png"] if command != "train" else ["--arch", "realnvp"])
    if option in NEEDS_EMBEDDED:
        words += ["--cond", "2"]
    elif table and not images and option not in ("columns", "drop", "cond"):
        words += ["--drop", "2"]
    if option in NEEDS_LABELS:
        words += ["--labels", "table.labels"]
    if labelled and command == "plot":
        words += ["--cond", "1" if option == "label-kind" else "0,1,0"]
    if option == "cond" and command == "plot":
        words = ["plot", "cond.nf", "-o", "plot.png", "--grid", "16", "--rows", "50"]
    if command == "train" and option in ARCH_OPTIONS:
        return arch_words(option)
    return attribute_words(option) if command == "attribute" else words


def prepare():
    with open("table.csv", "w") as file:
        file.write("10,20,30\n")
        for i in range(60):
            file.write(f"{i * 37 % 101 / 50},{i * 53 % 89 / 40},{i * 29 % 71 / 35}\n")
    with open("table.labels", "wb") as file:
        file.write(b"\0\0\x08\1\0\0\0\x3d" + bytes(i % 3 for i in range(61)))
    quick = ["--layers", "2", "--hidden", "8", "--epochs", "2", "--schedule", "constant"]
    for words in (["density:moons-sklearn", "-o", "plain.nf", "--rows", "100", "--checkpoint", "old.ckpt"],
                  ["table.csv", "--cond", "2", "-o", "cond.nf"], ["table.csv", "--drop", "2", "--labels", "table.labels", "-o", "labels.nf"],
                  ["table.csv", "--drop", "2", "--labels", "table.labels", "--label-kind", "number", "-o", "number.nf"]):
        answer = run("train", *words, *quick)
        if answer.returncode:
            fail("nflow train " + " ".join(words) + ": " + answer.stderr)
    with open("labels.csv", "w") as file:
        for i in range(61):
            file.write(f"{i * 37 % 101 / 50},{i * 53 % 89 / 40},{i % 3}\n")
    with open("labels.csv") as file, open("spare.csv", "w") as spare:
        spare.writelines(line.strip() + ",7\n" for line in file)
    with open("images.csv", "w") as file:
        for i in range(60):
            file.write(",".join(str((i * 37 + j * 53) % 89 * (j + 1) % 256) for j in range(8)) + "\n")


def missing_here(command, option, answer):
    """What this build or machine cannot do is no failure."""
    return answer.returncode == 1 and ((command == "plot" and "cairo" in answer.stderr) or "libpng" in answer.stderr or
                                       (option == "isa" and "instruction set" in answer.stderr))


def check_samples():
    used = set()
    for command in COMMANDS:
        for option in sorted(help_options(command) - {"help"}):
            key = f"{command} {option}" if f"{command} {option}" in SAMPLES else option
            if key not in SAMPLES:
                fail(f"nflow {command} --{option}: no sample value in this test")
                continue
            used.add(key)
            value = [] if SAMPLES[key] is None else [SAMPLES[key]]
            answer = run(*words_of(command, option), "--" + option, *value)
            if answer.returncode and not missing_here(command, option, answer):
                fail(f"nflow {command} --{option} {' '.join(value)}: exit code {answer.returncode}: {answer.stderr.strip()}")
    for key in sorted(set(SAMPLES) - used):
        fail(f"sample of '{key}': no command has that option")


def check_refusals():
    for option, values in BAD.items():
        for value in values:
            answer = run("train", "density:moons", "-o", "bad.nf", "--" + option, value)
            if answer.returncode != 2 or "--" + option not in answer.stderr:
                fail(f"--{option} '{value}': exit code {answer.returncode}: {answer.stderr.strip()}")
    if os.path.exists("bad.nf"):
        fail("a refused run left a file")


def on_terminal(columns, *words):
    """What a run writes to stderr when that is a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([nflow, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    text = b""
    try:
        while block := os.read(master, 65536):
            text += block
    except OSError:  # the end, on Linux
        pass
    os.close(master)
    return child.wait(), text.decode()


def check_progress():
    words = ["train", "density:moons", "-o", "p.nf", "--layers", "2", "--hidden", "8", "--epochs", "20", "--rows", "400"]
    for columns in (30, 80):
        code, text = on_terminal(columns, *words)
        lines = re.split(r"[\r\n]+", text.replace("\x1b[K", ""))
        if code or "ETA" not in text or "epoch 20/20" not in text:
            fail(f"progress on a terminal of {columns} columns: exit code {code}: {text!r}")
        if max(map(len, lines)) >= columns:
            fail(f"progress is wider than {columns} columns: {max(lines, key=len)!r}")
    if "  bits/dim " in text or "  NLL " not in text:
        fail(f"progress of a table: {text!r}")
    code, text = on_terminal(80, *words, "--height", "1", "--width", "2", "--arch", "realnvp")
    if code or "  bits/dim " not in text or "  NLL " in text:
        fail(f"progress of images: exit code {code}: {text!r}")
    code, text = on_terminal(80, "train", "density:moons", "-o", "p.nf", "--arch", "ffjord", "--hidden", "4", "--epochs", "3", "--rows", "200",
                             "--objective", "flow-matching")
    if code or "  matching loss " not in text or "  NLL " in text:
        fail(f"progress of flow matching: exit code {code}: {text!r}")
    if on_terminal(80, *words, "--quiet") != (0, ""):
        fail("--quiet shows progress")
    if run(*words).stderr:
        fail("progress off a terminal")


def main():
    manual = os.path.abspath(sys.argv[2])
    check_manual(manual)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        check_samples()
        check_keys(manual)
        check_refusals()
        check_progress()
        os.chdir("/")
    print(f"{failures} failures" if failures else "all well")
    return 1 if failures else 0


sys.exit(main())
