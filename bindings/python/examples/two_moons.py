#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""two_moons.py - RealNVP learns two half-moons, with the recipe of the book or a better one

    two_moons.py [FOLDER] [--epochs N] [--preset default|book]

The program of examples/two_moons.c in Python: the same data, flow, seeds and training, so that it prints the same numbers and
writes the same model, byte for byte. The pictures are the same too, drawn by matplotlib where it is installed:
    two_moons.png           both directions, data -> latent and noise -> samples, untrained and trained
    two_moons_loss.png      training and held-out loss, and the entropy that no model can beat
    two_moons_density.png   the density learned
"""

import argparse
import os

import numpy as np

import nflow

POINTS, SHOWN, HELD_OUT, GRID = 3000, 1500, 600, 240
NOISE = 0.05
# What a training run is made of: fields of the optimizer, fields of the training.
RECIPES = {
    'default': (dict(lr=3e-3, eps=1e-8), dict(schedule='cosine', clip_norm=5.0, ema_decay=0.99, l2=1e-5)),
    'book': (dict(lr=1e-4, eps=1e-7), dict(schedule='constant', clip_norm=-1.0)),
}
BLUE, ORANGE, GREY = (0.12, 0.38, 0.66), (0.87, 0.42, 0.10), (0.45, 0.45, 0.45)
# White to dark through green and blue, lightness falling evenly: no density is no ink.
DENSITY = [
    '#ffffff',
    '#def5e5',
    '#b0e3c7',
    '#7acdb1',
    '#40b7ad',
    '#36a2aa',
    '#348fa7',
    '#357aa3',
    '#37659e',
    '#405191',
    '#413d7b',
    '#382e5c',
    '#2e1e3c',
]
STYLE = {
    'font.size': 8,
    'axes.titlesize': 9,
    'axes.titleweight': 'bold',
    'axes.grid': True,
    'grid.color': '0.93',
    'axes.axisbelow': True,
    'axes.edgecolor': '0.4',
    'lines.linewidth': 1.4,
}


def from_arc(x, y):
    """Distance of (x, y) from the upper half of the unit circle."""
    return np.where(y > 0, np.abs(np.hypot(x, y) - 1), np.hypot(np.abs(x) - 1, y))


def is_lower(xy):
    """Points that are nearer to the lower moon."""
    x, y = xy[:, 0].astype(float), xy[:, 1].astype(float)
    return from_arc(1 - x, 0.5 - y) < from_arc(x, y)


def draw_directions(plt, path, data, noise, before, after):
    """Every point keeps its colour on the way: the moon that it comes from, or the one that the trained flow makes of it."""
    source, target = is_lower(data), is_lower(after[1])
    panels = [
        ('data', data, source, 0),
        ('data → latent, untrained', before[0], source, 1),
        ('data → latent, trained', after[0], source, 1),
        ('noise', noise, target, 1),
        ('noise → samples, untrained', before[1], target, 0),
        ('noise → samples, trained', after[1], target, 0),
    ]
    ranges = [((-1.75, 2.75), (-2, 2.5), 'x'), ((-3.6, 3.6), (-3.6, 3.6), 'z')]
    figure, axes = plt.subplots(2, 3, figsize=(7.58, 5.08), layout='constrained')
    for axis, (title, points, lower, latent) in zip(axes.flat, panels):
        for which, color in ((False, BLUE), (True, ORANGE)):
            shown = points[:SHOWN][lower[:SHOWN] == which]
            axis.scatter(shown[:, 0], shown[:, 1], s=2, color=color, linewidths=0)
        axis.set(
            xlim=ranges[latent][0],
            ylim=ranges[latent][1],
            title=title,
            xlabel=ranges[latent][2] + '₁',
            ylabel=ranges[latent][2] + '₂',
            aspect='equal',
        )
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_loss(plt, path, report, log_sd, entropy):
    figure, axis = plt.subplots(figsize=(6.4, 4.2), layout='constrained')
    epochs = np.arange(1, report.curve_count + 1)
    train, valid = report.curve_train - log_sd, report.curve_valid - log_sd
    axis.plot(epochs, train, color=BLUE, label='training')
    axis.plot(epochs, valid, color=ORANGE, label='held out')
    axis.axhline(entropy, color=GREY, label='entropy of the density: the floor')
    top = max(entropy + 0.2, min(max(train.max(), valid.max()) + 0.05, entropy + 1.8))
    axis.set(title='RealNVP on two moons', xlabel='epoch', ylabel='loss (nats a point, standardised)', ylim=(entropy - 0.1, top))
    axis.legend()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def draw_density(plt, path, flow):
    from matplotlib.colors import LinearSegmentedColormap

    (x0, x1), (y0, y1) = (-1.6, 2.6), (-1.05, 1.55)
    middle = (np.arange(GRID) + 0.5) / GRID
    x, y = np.meshgrid(x0 + (x1 - x0) * middle, y0 + (y1 - y0) * middle)
    density = np.exp(flow.log_prob(np.column_stack([x.ravel(), y.ravel()]))).reshape(GRID, GRID)
    figure, axis = plt.subplots(figsize=(5.8, 3.92), layout='constrained')
    image = axis.imshow(
        density, origin='lower', extent=(x0, x1, y0, y1), vmin=0, cmap=LinearSegmentedColormap.from_list('density', DENSITY)
    )
    axis.grid(False)
    axis.set(title='density learned', xlabel='x₁', ylabel='x₂')
    figure.colorbar(image, label='p(x)')
    figure.savefig(path, dpi=100)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description='RealNVP learns two half-moons')
    parser.add_argument('folder', nargs='?', default='.')
    parser.add_argument('--epochs', type=int, default=300)
    parser.add_argument('--preset', choices=RECIPES, default='default')
    options = parser.parse_args()
    optimizer, training = RECIPES[options.preset]
    context = nflow.Context(threads=-1)

    # Data: held out are the last rows. The figures of the columns standardise x within the flow.
    everything = nflow.Dataset.synthetic('moons-sklearn', POINTS, noise=NOISE, seed=1, context=context)
    train, valid = everything.split(1 - HELD_OUT / POINTS, seed=None)
    data = everything.rows(dtype='float32')
    columns = [everything.check(j) for j in range(2)]
    log_sd = sum(np.log(column.sd) for column in columns)
    noise = nflow.Flow([], nflow.bases.normal(dim=2), context=context).sample(POINTS, seed=7)

    flow = nflow.recipes.realnvp(
        dim=2, preset=options.preset, seed=1, mean=[c.mean for c in columns], sd=[c.sd for c in columns], context=context
    )
    before = flow.forward(data), flow.inverse(noise)
    report = flow.fit(train, valid=valid, optimizer=nflow.Adam(**optimizer), epochs=options.epochs, batch=256, seed=1, **training)
    after = flow.forward(data), flow.inverse(noise)

    flow.save(os.path.join(options.folder, 'two_moons.safetensors'))
    entropy = nflow.Dataset.synthetic_entropy('moons-sklearn', NOISE)
    print('recipe "%s": %d epochs in %.1f s, %d parameters' % (options.preset, report.epochs, report.seconds, flow.param_count))
    print('held-out NLL  %.4f nats a point (standardised), best epoch %d' % (report.valid_nll - log_sd, report.best_epoch))
    print('true entropy  %.4f: no model can do better on average' % (entropy - log_sd))

    try:
        import matplotlib
    except ImportError:
        print('pictures: left out, matplotlib is not installed')
        return
    matplotlib.use('agg')
    from matplotlib import pyplot as plt

    plt.rcParams.update(STYLE)
    draw_directions(plt, os.path.join(options.folder, 'two_moons.png'), data, noise, before, after)
    draw_loss(plt, os.path.join(options.folder, 'two_moons_loss.png'), report, log_sd, entropy - log_sd)
    draw_density(plt, os.path.join(options.folder, 'two_moons_density.png'), flow)


if __name__ == '__main__':
    main()
