/* SPDX-License-Identifier: MIT
 *
 * glow_scene.c - small flows of images, and images for them
 */
#include "glow_scene.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

const glow_case glow_cases[] = {
    { .name = "affine", .height = 8, .width = 8, .channels = 1, .levels = 2 },
    { .name = "additive", .height = 8, .width = 8, .channels = 1, .levels = 2, .coupling = NF_GLOW_ADDITIVE },
    { .name = "plain", .height = 4, .width = 4, .channels = 3, .levels = 1, .linear = NF_LINEAR_PLAIN },
    { .name = "logit", .height = 4, .width = 4, .channels = 3, .levels = 2, .alpha = 0.05 },
    { .name = "cond", .height = 4, .width = 8, .channels = 1, .levels = 2, .cond_dim = 2 },
    { .name = "five_bits", .height = 4, .width = 4, .channels = 2, .levels = 2, .bits = 5 },
    { .name = "real", .height = 4, .width = 4, .channels = 2, .levels = 2, .bits = NF_GLOW_REAL },
    { .name = "realnvp", .realnvp = true, .height = 4, .width = 4, .channels = 3, .levels = 2 },
    { .name = "realnvp_cond", .realnvp = true, .height = 4, .width = 6, .channels = 1, .levels = 2, .cond_dim = 2, .alpha = 0.01 },
};
const int glow_case_count = SUPPORT_COUNT(glow_cases);

const glow_case *glow_case_named(const char *name)
{
    for (int i = 0; i < glow_case_count; i++)
        if (strcmp(glow_cases[i].name, name) == 0) return &glow_cases[i];
    abort();
}

int64_t glow_dim(const glow_case *c) { return c->height * c->width * c->channels; }

void glow_expect(nf_status status) { ck_assert_msg(status == NF_OK, "%s: %s", nf_status_name(status), nf_last_error()); }

void glow_refused(nf_status answer, nf_status wanted, const char *words)
{
    ck_assert_msg(answer == wanted, "%s instead of %s: %s", nf_status_name(answer), nf_status_name(wanted), nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), words) != NULL, "'%s' lacks '%s'", nf_last_error(), words);
}

static nf_flow *scene_realnvp(nf_context *context, const glow_case *c, int32_t dtype)
{
    nf_realnvp_image_config config = NF_REALNVP_IMAGE_CONFIG_INIT;
    nf_flow *flow = NULL;

    config.dtype = dtype;
    config.height = c->height;
    config.width = c->width;
    config.channels = c->channels;
    config.levels = c->levels;
    config.cond_dim = c->cond_dim;
    config.bits = c->bits;
    config.alpha = c->alpha;
    config.hidden = 6;
    config.blocks = 1;
    config.seed = 3;
    glow_expect(nf_flow_create_realnvp_image(&flow, context, &config));
    return flow;
}

nf_flow *glow_make(nf_context *context, const glow_case *c, int32_t dtype, int64_t steps)
{
    nf_glow_config config = NF_GLOW_CONFIG_INIT;
    nf_flow *flow = NULL;

    if (c->realnvp) return scene_realnvp(context, c, dtype);
    config.dtype = dtype;
    config.height = c->height;
    config.width = c->width;
    config.channels = c->channels;
    config.levels = c->levels;
    config.cond_dim = c->cond_dim;
    config.coupling = c->coupling;
    config.linear = c->linear;
    config.bits = c->bits;
    config.alpha = c->alpha;
    config.hidden = 8;
    config.steps = steps ? steps : 2;
    config.seed = 3;
    glow_expect(nf_flow_create_glow(&flow, context, &config));
    return flow;
}

static int64_t scene_between(uint64_t *state, int64_t low, int64_t high) { return low + (int64_t)(random_bits(state) >> 33) % (high - low + 1); }

/* Stripes whose direction and phase are the image's own, so that pixels tell of each other. In whole numbers: the same on every machine. */
void *glow_images(const glow_case *c, int32_t dtype, int64_t n, uint64_t seed)
{
    const int64_t dim = glow_dim(c);
    void *x = support_malloc(n * dim * support_size(dtype));

    for (int64_t i = 0; i < n; i++) {
        const int64_t down = scene_between(&seed, -40, 40), across = scene_between(&seed, -40, 40), phase = scene_between(&seed, 0, 255);
        for (int64_t k = 0; k < dim; k++) {
            const int64_t pixel = k / c->channels, at = phase + down * (pixel / c->width) + across * (pixel % c->width) + 20 * (k % c->channels);
            const int64_t wave = llabs((at & 255) - 128), noisy = 28 + 200 * wave / 128 + scene_between(&seed, -12, 12);
            const double value = (double)noisy;
            support_set(dtype, x, i * dim + k, c->bits == NF_GLOW_REAL ? value / 256 : value);
        }
    }
    return x;
}

void *glow_cond(const glow_case *c, int32_t dtype, int64_t n)
{
    void *cond = c->cond_dim ? support_malloc(n * c->cond_dim * support_size(dtype)) : NULL;

    for (int64_t k = 0; k < n * c->cond_dim; k++) support_set(dtype, cond, k, (double)(k * 37 % 64 - 32) / 32);
    return cond;
}

nf_dataset *glow_dataset(nf_context *context, const glow_case *c, int32_t dtype, int64_t n, uint64_t seed)
{
    void *x = glow_images(c, dtype, n, seed), *cond = glow_cond(c, dtype, n);
    nf_dataset *data = NULL;

    glow_expect(any_dataset(&data, context, dtype, n, glow_dim(c), x));
    if (cond) glow_expect(any_set_cond(data, dtype, c->cond_dim, cond));
    free(x), free(cond);
    return data;
}

double *glow_theta(const nf_flow *flow)
{
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8);

    glow_expect(nf_flow_get_params(flow, count, theta));
    return theta;
}

nf_flow *glow_reload(nf_context *context, const nf_flow *flow)
{
    nf_flow *loaded = NULL;
    int64_t size = 0;

    glow_expect(nf_flow_save_memory(flow, NULL, 0, &size));
    void *bytes = support_malloc(size);
    glow_expect(nf_flow_save_memory(flow, bytes, size, &size));
    glow_expect(nf_flow_load_memory(&loaded, context, bytes, size));
    free(bytes);
    return loaded;
}

/* FNV-1a */
uint64_t glow_digest(uint64_t h, const void *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return h;
}
