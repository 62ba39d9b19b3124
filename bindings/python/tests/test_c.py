# SPDX-License-Identifier: MIT
"""The low level is the headers: every function, struct and constant, with the layout that the library has."""

import re
import sys

import numpy as np
import pytest
from conftest import INCLUDE, ROOT

import nflow
from nflow.c import check, config, create, ffi, fields, lib, report

sys.path.insert(0, str(ROOT / 'tests' / 'abi'))
import headers  # noqa: E402  the reader that the tests of the ABI use


def test_every_function():
    functions = headers.functions(str(INCLUDE))
    assert len(functions) > 150
    for name, (_, parameters) in functions.items():
        assert len(ffi.typeof(getattr(lib, name)).args) == len(parameters), name


def test_every_struct_and_field():
    structs = headers.structs(str(INCLUDE))
    assert len(structs) > 30
    for name, members in structs.items():
        assert [member for member, _ in ffi.typeof(name).fields] == members, name


def test_every_constant():
    constants = headers.constants(str(INCLUDE))
    assert 'NF_ERR_SHAPE' in constants and len(constants) > 100
    for name in constants:
        assert isinstance(getattr(lib, name), int), name
    assert (lib.NF_OK, lib.NF_ERR_NULL, lib.NF_VERSION_MAJOR) == (0, -1, 0)


def test_sizes_are_those_of_the_library():
    inits = [name for name in dir(lib) if name.endswith('_config_init')]
    assert len(inits) > 20
    for name in inits:
        made = ffi.new(name[: -len('_init')] + ' *')
        getattr(lib, name)(made)
        assert made.struct_size == ffi.sizeof(made[0]), name


def test_a_life_in_c(moons):
    shape = config('nf_realnvp_config', dim=2, layers=2, hidden=(8,), activation='tanh', seed=1)
    assert shape.struct_size == ffi.sizeof('nf_realnvp_config') and shape.n_hidden == 1 and shape.hidden[0] == 8
    flow = create('nf_flow_create_realnvp', None, shape)
    out = np.empty(len(moons))
    check(lib.nf_flow_log_prob(flow, len(moons), ffi.from_buffer('float[]', moons), ffi.NULL, ffi.from_buffer('double[]', out)))
    assert np.array_equal(out, nflow.recipes.realnvp(dim=2, layers=2, hidden=(8,), activation='tanh', seed=1).log_prob(moons))
    info = report('nf_flow_info_report')
    check(lib.nf_flow_info(flow, info))
    assert info.dim == 2 and info.params == lib.nf_flow_param_count(flow)
    with pytest.raises(nflow.Error) as failure:
        check(lib.nf_flow_log_prob(flow, -1, ffi.NULL, ffi.NULL, ffi.NULL))
    assert failure.value.status < 0


def test_configs_know_their_fields():
    with pytest.raises(TypeError, match='has no field .layer.; it has .*layers'):
        config('nf_realnvp_config', layer=3)
    with pytest.raises(ValueError, match='must be one of .*tanh'):
        config('nf_realnvp_config', activation='tan')
    with pytest.raises(ValueError, match='out of range'):
        config('nf_fit_config', epochs=2**70)
    with pytest.raises(TypeError):
        config('nf_fit_config', progress=print)
    assert config('nf_realnvp_config', hidden=()).n_hidden == 1  # {0}: none, where an empty list would be the default
    assert config('nf_realnvp_config', separate=True).separate == 1 and config('nf_realnvp_config', separate=False).separate == 2
    assert 'hidden' in fields('realnvp')


def test_python_names_come_from_the_library():
    assert 'coupling_affine' in nflow.layers.__all__ and 'normal' in nflow.bases.__all__
    assert {'Adam', 'SGD'} <= set(nflow.optimizers.__all__) and {'realnvp', 'glow', 'ffjord'} <= set(nflow.recipes.__all__)
    created = {name[len('nf_flow_create_') :] for name in headers.functions(str(INCLUDE)) if name.startswith('nf_flow_create_')}
    assert set(nflow.recipes.__all__) == created
    assert re.search('bound: .*', nflow.layers.affine.__doc__)


def test_version():
    assert nflow.__version__ == '%d.%d.%d' % (lib.NF_VERSION_MAJOR, lib.NF_VERSION_MINOR, lib.NF_VERSION_PATCH)
    with open(ROOT / 'meson.build', encoding='utf-8') as file:
        assert "version: '%s'" % nflow.__version__ in file.read()
