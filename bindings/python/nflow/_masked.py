# SPDX-License-Identifier: MIT
"""_masked.py - networks whose outputs for a column depend on some of the columns, as networks of the layer `autoregressive`

What depends on what is read from the weights, zeros of masks included: any network of dense layers fits if its columns can be
ordered. That layer's units are sorted by degree: a unit of degree d sees the first d columns of the order, and feeds the outputs of
later ones alone. As many units have each degree as nflow/autoregressive.h says, so layers are made as wide as theirs need; units
that are left over have weights of zero.
"""

import heapq
from typing import Any, List, NamedTuple, Sequence, Tuple

import numpy as np

from ._networks import Array, Net, refuse


class Masked(NamedTuple):
    """A network of the layer `autoregressive`, with the columns in the order of their dependence."""

    net: Net
    order: List[int]


def capacity(dim: int, low: int, width: int) -> Array:
    """How many of `width` units have each degree, from 0 to dim."""
    degrees = dim - low
    each, more = divmod(width, degrees)
    counts = np.zeros(dim + 1, int)
    if each == 0:
        for i in range(width):
            counts[low + (i * (degrees - 1) // (width - 1) if width > 1 else 0)] += 1
        return counts
    counts[low : low + degrees] = each
    counts[low : low + more] += 1
    return counts


def _fit(low: Array, high: Array, counts: Array) -> Any:
    """Degrees of units, each between its low and high, so many of each; None if that cannot be. The most urgent unit goes first."""
    degree = np.zeros(len(low), int)
    waiting: List[Tuple[int, int]] = []
    by_low = sorted(range(len(low)), key=lambda unit: int(low[unit]), reverse=True)
    for d, count in enumerate(counts):
        while by_low and low[by_low[-1]] <= d:
            unit = by_low.pop()
            heapq.heappush(waiting, (int(high[unit]), unit))
        for _ in range(min(int(count), len(waiting))):
            last, unit = heapq.heappop(waiting)
            if last < d:
                return None
            degree[unit] = d
    return None if waiting or by_low else degree


def _slots(degree: Array, counts: Array) -> List[int]:
    """Which unit stands at each place of a layer; -1: none."""
    found: List[int] = []
    for d, count in enumerate(counts):
        here = [int(unit) for unit in np.flatnonzero(degree == d)]
        found += here + [-1] * (int(count) - len(here))
    return found


def _order(depends: Array) -> List[int]:
    """Columns, each behind those that it depends on; shorter where that cannot be."""
    order: List[int] = []
    while True:
        ready = [k for k in range(len(depends)) if k not in order and set(np.flatnonzero(depends[k])) <= set(order)]
        if not ready:
            return order
        order.append(ready[0])


def _take(dense: Tuple[Array, Array], rows: Sequence[int], columns: Sequence[int]) -> Tuple[Array, Array]:
    """Rows and columns of a dense layer; those of -1 are zero."""
    weight = np.pad(dense[0], ((0, 1), (0, 1)))[np.ix_(rows, columns)]
    return weight, np.append(dense[1], 0.0)[list(columns)]


def _sight(net: Net, dim: int) -> List[Array]:
    """[unit][column] of each layer, the inputs first: whether a unit depends on a column."""
    sees = [np.vstack([np.eye(dim, dtype=bool), np.zeros((net.inputs - dim, dim), bool)])]
    for weight, _ in net.dense:
        sees.append((weight != 0).T.astype(int) @ sees[-1].astype(int) > 0)
    return sees


def _degrees(net: Net, sees: List[Array], place: Array, outputs: Array, low: int, module: Any, path: str) -> List[List[int]]:
    """What stands at each place of the hidden layers. place[k]: that of column k in the order, from 1; outputs: of the outputs."""
    dim, slots, above = len(place), [], outputs - 1
    for layer in range(len(net.dense) - 1, 0, -1):
        feeds = net.dense[layer][0] != 0
        if layer < len(net.dense) - 1:
            feeds &= above[None, :] >= 0
        high = np.where(feeds, above[None, :], dim).min(1)
        alive = np.flatnonzero(feeds.any(1))
        least = np.maximum(np.where(sees[layer], place[None, :], 0).max(1), low)[alive]
        if (least > high[alive]).any():
            raise refuse(module, path, 'a unit that sees no column feeds the first one, which depends on nothing here')
        width, fitted = max(1, len(alive)), None
        while fitted is None:
            counts = capacity(dim, low, width)
            fitted = _fit(least, high[alive], counts)
            width += 1
        slots.append([int(alive[i]) if i >= 0 else -1 for i in _slots(fitted, counts)])
        above = np.full(len(sees[layer]), -1)
        above[alive] = fitted
    return slots[::-1]


def masked(net: Net, dim: int, params: int, module: Any, path: str) -> Masked:
    """Of a network of dim columns, then conditions, with outputs [column][parameter]."""
    if net.inputs < dim or net.outputs != dim * params:
        sizes = (net.inputs, net.outputs, dim, params)
        raise refuse(module, path, 'the network maps %d inputs to %d outputs, not %d columns to %d each' % sizes)
    sees = _sight(net, dim)
    order = _order(np.asarray(sees[-1].reshape(dim, params, dim).any(1)))
    if len(order) < dim:
        raise refuse(module, path, 'the columns depend on each other in a circle')
    place = np.argsort(order) + 1
    low = 0 if net.inputs > dim or dim == 1 else 1
    slots = _degrees(net, sees, place, np.repeat(place, params), low, module, path)
    ends = [k * params + q for k in order for q in range(params)]
    places = [[*range(dim, net.inputs), *order], *slots, ends]
    dense = [_take(layer, places[i], places[i + 1]) for i, layer in enumerate(net.dense)]
    return Masked(Net(net.activation, dense), order)
