/* SPDX-License-Identifier: MIT
 *
 * glow_scene.h - small flows of images, and images for them
 */
#ifndef NFLOW_TESTS_GLOW_SCENE_H
#define NFLOW_TESTS_GLOW_SCENE_H

#include "support.h"

typedef struct glow_case {
    const char *name;
    bool realnvp; /* of images; else GLOW */
    int64_t height, width, channels, levels, cond_dim;
    int32_t coupling, linear, bits; /* of nf_glow_config; bits of both */
    double alpha;
} glow_case;

extern const glow_case glow_cases[];
extern const int glow_case_count;
const glow_case *glow_case_named(const char *name);
int64_t glow_dim(const glow_case *c);

void glow_expect(nf_status status);
/* A call must answer this, with a line that holds the words. */
void glow_refused(nf_status answer, nf_status wanted, const char *words);

/* Steps 2, hidden 8; seed 3. steps 0: 2 */
nf_flow *glow_make(nf_context *context, const glow_case *c, int32_t dtype, int64_t steps);
/* n rows of stripes with noise, whole numbers 0..255, or about [0, 1] with NF_GLOW_REAL; cond NULL for a case without. Freed with free(). */
void *glow_images(const glow_case *c, int32_t dtype, int64_t n, uint64_t seed);
void *glow_cond(const glow_case *c, int32_t dtype, int64_t n);
nf_dataset *glow_dataset(nf_context *context, const glow_case *c, int32_t dtype, int64_t n, uint64_t seed);
double *glow_theta(const nf_flow *flow); /* freed with free() */
nf_flow *glow_reload(nf_context *context, const nf_flow *flow); /* through a file in memory */
uint64_t glow_digest(uint64_t h, const void *bytes, int64_t n);

#endif
