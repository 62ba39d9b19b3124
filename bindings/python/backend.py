# SPDX-License-Identifier: MIT
"""backend.py - builds the Python package from the root of the tree: meson-python's hooks, called there

A package must be built from sources that are above this folder, and meson-python builds the folder that it is called in.
"""

import os

import mesonpy

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _at_root(hook):
    def call(*arguments, **options):
        before = os.getcwd()
        os.chdir(ROOT)
        try:
            return hook(*arguments, **options)
        finally:
            os.chdir(before)

    return call


get_requires_for_build_wheel = _at_root(mesonpy.get_requires_for_build_wheel)
get_requires_for_build_sdist = _at_root(mesonpy.get_requires_for_build_sdist)
get_requires_for_build_editable = _at_root(mesonpy.get_requires_for_build_editable)
build_wheel = _at_root(mesonpy.build_wheel)
build_sdist = _at_root(mesonpy.build_sdist)
build_editable = _at_root(mesonpy.build_editable)
