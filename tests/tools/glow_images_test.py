#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# glow_images_test.py - the example that trains GLOW: on images made here, and without any
#
#   glow_images_test.py GLOW_IMAGES pictures|none      "none": a build without cairo
import os
import struct
import subprocess
import sys
import tempfile

NAMES = ["samples", "interpolation", "reconstruction", "attribute", "bits"]
failures = []


def check(good, what, output=""):
    if not good:
        failures.append(what)
        print("FAILED: " + what + "\n    " + output.strip().replace("\n", "\n    "))


def write_data(folder, side=28):
    """Blobs whose place and width follow from their label, in IDX."""
    for name, n in (("train", 400), ("t10k", 120)):
        labels = bytes(i % 10 for i in range(n))
        images = bytearray()
        for i in range(n):
            for y in range(side):
                for x in range(side):
                    near = abs(y - 8 - labels[i]) + abs(x - 14) < 5 + labels[i] % 3
                    images.append((180 + (7 * i + 3 * x + 5 * y) % 60) if near else (11 * i + x * y) % 3 // 2)
        with open(os.path.join(folder, name + "-images-idx3-ubyte"), "wb") as file:
            file.write(struct.pack(">IIII", 0x803, n, side, side) + images)
        with open(os.path.join(folder, name + "-labels-idx1-ubyte"), "wb") as file:
            file.write(struct.pack(">II", 0x801, n) + labels)


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150)
    return done.returncode, done.stdout.decode(errors="replace")


def main():
    program, pictures = os.path.abspath(sys.argv[1]), sys.argv[2] == "pictures"
    with tempfile.TemporaryDirectory() as work:
        data, out, empty = (os.path.join(work, n) for n in ("data", "out", "empty"))
        for folder in (data, out, empty):
            os.mkdir(folder)
        code, output = run(program, out, "--data", empty)
        check(code == 77, "without data: exit code %d, expected 77" % code, output)
        check("skipped" in output and "apt install dataset-fashion-mnist" in output and empty in output, "without data: says why", output)
        check(os.listdir(out) == [], "without data: writes nothing")
        write_data(data)
        code, output = run(program, out, "--data", data, "--epochs", "2", "--steps", "1", "--hidden", "8")
        check(code == 0, "with data: exit code %d" % code, output)
        check("largest error 0 of 255" in output, "with data: images come back exactly", output)
        check("bits/dim" in output, "with data: says bits/dim", output)
        wanted = ["fashion.safetensors"] + ["fashion_%s.png" % n for n in NAMES if pictures]
        check(sorted(os.listdir(out)) == sorted(wanted), "with data: wrote %s, expected %s" % (sorted(os.listdir(out)), sorted(wanted)))
        check(pictures or "without cairo" in output, "with data: says that there are no pictures", output)
        for name in os.listdir(out):
            check(os.path.getsize(os.path.join(out, name)) > 500, "%s is not empty" % name)
        code, output = run(program, out, "--data", data, "--minutes", "0.01", "--steps", "1", "--hidden", "8")
        check(code == 0 and "epochs of" in output, "by minutes: exit code %d" % code, output)
        write_data(data, side=4)
        code, output = run(program, out, "--data", data)
        check(code == 1 and "images have 16 values, expected 784" in output, "images of another size: exit code %d" % code, output)
        code, output = run(program, "--minutes")
        check(code == 2 and "usage:" in output, "wrong usage: exit code %d" % code, output)
    print("%d failed" % len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
