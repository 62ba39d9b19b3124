/* SPDX-License-Identifier: MIT
 *
 * synthetic.c - densities to try flows on
 *
 * One row of a table per density. Every data row has random numbers of its own, keyed by (seed, NFI_STREAM_DATA, number of
 * the row in the definition), so a row does not depend on the others; then the rows are shuffled. Angles that the
 * definitions take from a grid are on that grid. The first eight follow Grathwohl et al.'s FFJORD (lib/toy_data.py), the
 * others scikit-learn's make_moons and make_circles.
 */
#include <math.h>
#include <string.h>

#include "core/fpenv.h"
#include "core/rng.h"
#include "core/status.h"
#include "data/dataset.h"
#include "math/functions.h"

/* Philox blocks of a row: uniform numbers from 0, normal numbers (two a block) from FIRST_NORMAL. The shuffle's blocks
 * lie beyond those of every row. */
enum { BLOCKS = 8, FIRST_NORMAL = 4 };
#define SHUFFLE_BASE (UINT64_C(1) << 62)

/* One row to generate: its number in the definition, how many there are, the noise's sd, and where the values go. */
typedef struct draw {
    uint64_t seed;
    int64_t i, n;
    double noise;
    double *x, *cond;
} draw;

static double uniform_of(const draw *d, int64_t row, uint64_t k)
{
    return nfi_uniform(d->seed, NFI_STREAM_DATA, (uint64_t)row * BLOCKS + k);
}

static double uniform(const draw *d, uint64_t k) { return uniform_of(d, d->i, k); }

static double normal(const draw *d, uint64_t k)
{
    return nfi_normal(d->seed, NFI_STREAM_DATA, 2 * ((uint64_t)d->i * BLOCKS + FIRST_NORMAL) + k);
}

static void put(const draw *d, double x, double y)
{
    d->x[0] = x;
    d->x[1] = y;
}

/* (x, y) plus noise, times scale. */
static void put_noisy(const draw *d, double x, double y, double scale)
{
    put(d, scale * (x + d->noise * normal(d, 0)), scale * (y + d->noise * normal(d, 1)));
}

/* Point i of n from 0 to `end`, both included. */
static double linspace(int64_t i, int64_t n, double end) { return n > 1 ? end * (double)i / (double)(n - 1) : 0; }

/* ---- the definitions ------------------------------------------------------------------------------------------- */

/* Upper moon: floor(n/2) rows; lower moon: the others. */
static void moons_sklearn(const draw *d)
{
    const int64_t upper = d->n / 2;
    if (d->i < upper) {
        const double a = linspace(d->i, upper, NFI_PI);
        put_noisy(d, nfi_cos(a), nfi_sin(a), 1);
    } else {
        const double a = linspace(d->i - upper, d->n - upper, NFI_PI);
        put_noisy(d, 1 - nfi_cos(a), 0.5 - nfi_sin(a), 1);
    }
}

static void moons(const draw *d)
{
    moons_sklearn(d);
    put(d, 2 * d->x[0] - 1, 2 * d->x[1] - 0.2);
}

/* The angle is the conditioning column, uniform in [0, pi). */
static void moons_rotated(const draw *d)
{
    moons_sklearn(d);
    const double angle = NFI_PI * uniform(d, 0);
    const double c = nfi_cos(angle), s = nfi_sin(angle), x = d->x[0], y = d->x[1];
    put(d, c * x - s * y, s * x + c * y);
    d->cond[0] = angle;
}

static void ring(const draw *d, double radius, int64_t i, int64_t n, double scale)
{
    const double a = 2 * NFI_PI * (double)i / (double)n;
    put_noisy(d, radius * nfi_cos(a), radius * nfi_sin(a), scale);
}

static void two_circles(const draw *d, double inner, double scale)
{
    const int64_t outer = d->n / 2;
    if (d->i < outer)
        ring(d, 1, d->i, outer, scale);
    else
        ring(d, inner, d->i - outer, d->n - outer, scale);
}

static void circles(const draw *d) { two_circles(d, 0.5, 3); }
static void circles_sklearn(const draw *d) { two_circles(d, 0.8, 1); }

/* floor(n/4) rows on each of the radii 3, 2.25, 1.5; the others on .75. */
static void rings(const draw *d)
{
    const int64_t quarter = d->n / 4, which = quarter > 0 ? nfi_min(d->i / quarter, 3) : 3;
    const int64_t count = which < 3 ? quarter : d->n - 3 * quarter;
    ring(d, 3 - 0.75 * (double)which, d->i - which * quarter, count, 1);
}

static void eight_gaussians(const draw *d)
{
    const double a = NFI_PI / 4 * nfi_floor(8 * uniform(d, 0));
    put_noisy(d, 4 * nfi_cos(a), 4 * nfi_sin(a), 1);
    put(d, d->x[0] / 1.414, d->x[1] / 1.414);
}

/* The noise is the one across the arms; the one along them is .3. */
static void pinwheel(const draw *d)
{
    const double f0 = 1 + 0.3 * normal(d, 0), f1 = d->noise * normal(d, 1);
    const double t = 2 * NFI_PI * (double)(d->i % 5) / 5 + 0.25 * nfi_exp(f0);
    const double c = nfi_cos(t), s = nfi_sin(t);
    put(d, 2 * (f0 * c + f1 * s), 2 * (f1 * c - f0 * s));
}

/* The second arm is the negative of the first's points; only the noise differs. */
static void two_spirals(const draw *d)
{
    const int64_t half = d->n / 2, pair = d->i < half ? d->i : d->i - half;
    const double sign = d->i < half ? 1 : -1;
    const double m = 3 * NFI_PI * nfi_sqrt(uniform_of(d, pair, 0));
    const double x = -m * nfi_cos(m) + 0.5 * uniform_of(d, pair, 1);
    const double y = m * nfi_sin(m) + 0.5 * uniform_of(d, pair, 2);
    put_noisy(d, sign * x / 3, sign * y / 3, 1);
}

static void checkerboard(const draw *d)
{
    const double x = 4 * uniform(d, 0) - 2, column = nfi_floor(x);
    const double odd = column - 2 * nfi_floor(column / 2);
    const double y = uniform(d, 1) - 2 * nfi_floor(2 * uniform(d, 2)) + odd;
    put(d, 2 * x, 2 * y);
}

static void swissroll(const draw *d)
{
    const double t = 1.5 * NFI_PI * (1 + 2 * uniform(d, 0));
    put_noisy(d, t * nfi_cos(t), t * nfi_sin(t), 1);
    put(d, d->x[0] / 5, d->x[1] / 5);
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

/* The entropies, in nats and the data's units, hold at the default noise. The arcs and circles (moons, rings, circles,
 * those of scikit-learn): quadrature of -p log p on a grid of step .005 to .02, p the mean of Gaussians along the curves.
 * 8gaussians and checkerboard (ln 32) are exact; the others are nearest-neighbour estimates, bias about .003.
 * moons-sklearn: the sd is .867468 in x and .496679 in y, so that H is .2892 - ln .867468 - ln .496679 = 1.1312 after
 * standardising. moons-rotated: given the angle, which changes no volume. */
typedef struct density {
    const char *name;
    int64_t cond_dim;
    double noise; /* default sd; 0: takes none */
    double entropy;
    void (*generate)(const draw *d);
} density;

static const density densities[] = {
    {"moons", 0, 0.1, 2.3939, moons},
    {"8gaussians", 0, 0.5, 2.8326, eight_gaussians},
    {"pinwheel", 0, 0.1, 2.317, pinwheel},
    {"2spirals", 0, 0.1, 2.643, two_spirals},
    {"checkerboard", 0, 0, 3.4657359027997265, checkerboard},
    {"rings", 0, 0.08, 2.6232, rings},
    {"swissroll", 0, 1, 2.668, swissroll},
    {"circles", 0, 0.08, 3.2681, circles},
    {"moons-sklearn", 0, 0.05, 0.2892, moons_sklearn},
    {"circles-sklearn", 0, 0.05, 0.7812, circles_sklearn},
    {"moons-rotated", 1, 0.05, 0.2892, moons_rotated},
};
enum { N_DENSITIES = sizeof densities / sizeof densities[0] };

static const density *find(const char *name)
{
    for (int i = 0; name != NULL && i < N_DENSITIES; i++)
        if (strcmp(densities[i].name, name) == 0)
            return &densities[i];
    return NULL;
}

const char *nf_dataset_synthetic_at(int32_t index)
{
    return index >= 0 && index < N_DENSITIES ? densities[index].name : NULL;
}

static bool is_default(double noise) { return isnan(noise) || noise < 0; }

double nf_dataset_synthetic_entropy(const char *name, double noise)
{
    const density *found = find(name);
    if (found == NULL || !(is_default(noise) || noise == found->noise))
        return (double)NAN;
    return found->entropy;
}

static nf_status fail_unknown(const char *name)
{
    char names[256];
    size_t used = 0;
    for (int i = 0; i < N_DENSITIES; i++) {
        const size_t length = strlen(densities[i].name);
        if (used + length + 3 > sizeof names)
            break;
        memcpy(names + used, i > 0 ? ", " : "", i > 0 ? 2 : 0);
        used += i > 0 ? 2 : 0;
        memcpy(names + used, densities[i].name, length);
        used += length;
    }
    names[used] = '\0';
    return nfi_fail(NF_ERR_UNKNOWN, "nf_dataset_synthetic: no density is called \"%.40s\"; there are %s", name, names);
}

static nf_status check_noise(const density *which, double noise)
{
    if (which->noise == 0 && noise > 0)
        return nfi_fail(NF_ERR_ARG, "nf_dataset_synthetic: noise is %g, but %s takes no noise", noise, which->name);
    if (isinf(noise) && noise > 0)
        return nfi_fail(NF_ERR_ARG, "nf_dataset_synthetic: noise is infinite, must be finite");
    return NF_OK;
}

/* Fills every row, in shuffled order. */
static nf_status fill(nf_dataset *dataset, const density *which, double noise, uint64_t seed)
{
    nf_status status = NF_OK;
    nf_context *context = dataset->object.context;
    int64_t *order = nfi_alloc(context, dataset->n, sizeof *order, &status);
    if (order == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    const uint64_t saved = nfi_fpenv_enter();
    nfi_random_permutation(seed, NFI_STREAM_DATA, SHUFFLE_BASE, dataset->n, order);
    draw d = {.seed = seed, .n = dataset->n, .noise = is_default(noise) ? which->noise : noise};
    for (int64_t row = 0; row < dataset->n; row++) {
        d.i = order[row];
        d.x = (double *)dataset->x + row * dataset->dim;
        d.cond = dataset->cond != NULL ? (double *)dataset->cond + row * dataset->cond_dim : NULL;
        which->generate(&d);
    }
    nfi_fpenv_leave(saved);
    nfi_free(context, order, dataset->n, sizeof *order);
    return NF_OK;
}

nf_status nf_dataset_synthetic(nf_dataset **out, nf_context *context, const char *name, int64_t n, double noise,
                               uint64_t seed)
{
    if (out == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_dataset_synthetic: out is NULL");
    *out = NULL;
    if (name == NULL)
        return nfi_fail(NF_ERR_NULL, "nf_dataset_synthetic: name is NULL");
    nf_status status = nfi_context_check(context, "nf_dataset_synthetic");
    if (status < 0)
        return status;
    const density *which = find(name);
    if (which == NULL)
        return fail_unknown(name);
    status = check_noise(which, noise);
    if (status >= 0)
        status = nfi_dataset_create(out, context, "nf_dataset_synthetic", n, 2, which->cond_dim, NF_F64);
    if (status < 0)
        return status;
    status = fill(*out, which, noise, seed);
    if (status < 0) {
        nf_dataset_unref(*out);
        *out = NULL;
    }
    return status;
}
