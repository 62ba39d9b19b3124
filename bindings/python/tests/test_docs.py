# SPDX-License-Identifier: MIT
"""Every block marked `python nflow` in the documents runs."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

DOCUMENTS = ['README.md', 'docs/python.md', 'docs/tutorial.md', 'bindings/python/README.md']


def blocks():
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding='utf-8')
        for number, block in enumerate(re.findall(r'^```python nflow\n(.*?)^```', text, re.M | re.S), 1):
            yield pytest.param(block, id='%s-%d' % (name, number))


@pytest.mark.parametrize('block', list(blocks()))
def test_block(block, tmp_path):
    done = subprocess.run([sys.executable, '-c', block], cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
