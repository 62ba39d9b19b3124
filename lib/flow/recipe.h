/* SPDX-License-Identifier: MIT
 *
 * recipe.h - assembling a flow layer by layer
 */
#ifndef NFI_FLOW_RECIPE_H
#define NFI_FLOW_RECIPE_H

#include "flow/flow.h"

typedef struct nfi_recipe {
    nf_context *context;
    const char *function; /* whom to name in messages */
    nf_layer **layers;
    int64_t n, most;
} nfi_recipe;

/* Room for at most `most` layers; the context's max_layers holds. NF_ERR_LIMIT, NF_ERR_MEMORY. */
nf_status nfi_recipe_begin(nfi_recipe *recipe, nf_context *context, int64_t most, const char *function);
/* One more layer, by the name of its type. */
nf_status nfi_recipe_add(nfi_recipe *recipe, const char *type, const void *config);
/* The flow of the layers over the base, which is released, and so is the recipe: whatever the status on entry, which is answered when
 * it is a failure. */
nf_status nfi_recipe_end(nfi_recipe *recipe, nf_status status, nf_flow **out, const nf_flow_config *config, nf_base *base);

/* The config of the flow that a recipe's config c asks for: they name these fields alike. */
#define NFI_RECIPE_FLOW(c)                                                                                                                     \
    { .struct_size = sizeof(nf_flow_config), .dtype = (c)->dtype, .seed = (c)->seed, .cond_dim = (c)->cond_dim, .cond_mean = (c)->cond_mean,    \
      .n_cond_mean = (c)->n_cond_mean, .cond_sd = (c)->cond_sd, .n_cond_sd = (c)->n_cond_sd, .embed_hidden = (c)->embed_hidden,                 \
      .n_embed_hidden = (c)->n_embed_hidden, .embed_dim = (c)->embed_dim, .embed_activation = (c)->embed_activation,                            \
      .cond_standardise = (c)->cond_standardise }
/* Checks its conditions, and makes *cond_dim what the recipe's layers see of them. Errors of nfi_condition_resolve. */
nf_status nfi_recipe_condition(nf_flow_config *flow, int64_t *cond_dim, nf_context *context, const char *function);

/* n_mean and n_sd are 0 or dim, else NF_ERR_SHAPE; and the layer "standardise" for them, none when both are 0. */
nf_status nfi_recipe_check_standardise(const char *function, int64_t dim, int64_t n_mean, int64_t n_sd);
nf_status nfi_recipe_standardise(nfi_recipe *recipe, int64_t dim, const double *mean, int64_t n_mean, const double *sd, int64_t n_sd);

/* An image on its way through the levels: what reaches the next layer. */
typedef struct nfi_image {
    int64_t height, width, channels;
} nfi_image;
static inline int64_t nfi_image_dim(const nfi_image *m) { return m->height * m->width * m->channels; }
/* Levels when none are asked for: as many as halve height and width, at most `most`. */
static inline int64_t nfi_image_halvings(const nfi_image *m, int64_t most)
{
    int64_t n = 0;
    while (n < most && (m->height >> n) % 2 == 0 && (m->width >> n) % 2 == 0) n++;
    return n;
}
/* levels 0 becomes `usual`; more than `most` are NF_ERR_SHAPE. */
nf_status nfi_recipe_levels(const char *function, const nfi_image *m, int64_t most, int64_t usual, int64_t *levels);
/* Whole numbers of so many bits to real ones, by noise, between 0 and 1; by a logit of margin alpha, which 0 leaves out, to all real
 * numbers, else centred at 0. bits NF_GLOW_REAL: they are real numbers. */
nf_status nfi_recipe_pixels(nfi_recipe *recipe, const nfi_image *m, int32_t bits, int32_t noise, double alpha);
nf_status nfi_recipe_check_bits(const char *function, int32_t bits); /* NF_ERR_ARG */
nf_status nfi_recipe_squeeze(nfi_recipe *recipe, nfi_image *m, int32_t order);   /* m becomes the result */
nf_status nfi_recipe_unsqueeze(nfi_recipe *recipe, nfi_image *m, int32_t order); /* the opposite */
nf_status nfi_recipe_split(nfi_recipe *recipe, nfi_image *m);
nf_status nfi_recipe_actnorm(nfi_recipe *recipe, const nfi_image *m);

#endif
