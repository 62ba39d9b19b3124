/* SPDX-License-Identifier: MIT
 *
 * condition.h - what becomes of conditioning columns before layers and base see them
 *
 * Callers always give raw conditions, cond_dim columns. A flow without a stage hands them on as they are; one with a stage standardises
 * them, or embeds them by a network that all layers share, or both, and layers and base see `width` columns.
 */
#ifndef NFI_FLOW_CONDITION_H
#define NFI_FLOW_CONDITION_H

#include "core/config.h"
#include "nets/mlp.h"
#include <nflow/flow.h>

struct nfi_workspace;
struct nfi_grad;

typedef struct nfi_condition {
    nf_maker *maker;         /* of the config's arrays and the network; NULL: no stage */
    nf_flow_config config;   /* resolved: what describes the stage */
    int64_t width;           /* columns that layers and base see, 0: none */
    int64_t tile_rows;
    int64_t count;           /* elements of its slice of the block: mean, sd, network */
    int64_t net_at;          /* of them, where the network's begin */
    int32_t n_params;
    int64_t theta;           /* where the slice begins */
    int64_t packed, packed_backward; /* offsets in bytes in the packed blocks */
    int64_t scratch;         /* bytes that a tile needs */
    bool scales, embeds;
    nfi_mlp mlp;
} nfi_condition;

/* The fields of configs that describe a stage, whose names are the same in all of them. */
#define NFI_CONDITION_FIELDS(type)                                                                                                             \
    NFI_ARRAY(type, cond_mean, n_cond_mean, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, -1e30, 1e30, "means to subtract from conditioning columns"),  \
    NFI_ARRAY(type, cond_sd, n_cond_sd, NF_FIELD_F64_ARRAY, NF_FIELD_INITIAL, 1e-30, 1e30, "standard deviations to divide them by"),            \
    NFI_ARRAY(type, embed_hidden, n_embed_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,                                                              \
              "widths of the embedding's hidden layers; empty: 32,32, a single 0: none"),                                                       \
    NFI_FIELD(type, embed_dim, NF_FIELD_I64, 0, 0, 0, 65536, NULL, "columns that conditioning columns are embedded in; 0: no embedding"),       \
    NFI_FIELD(type, embed_activation, NF_FIELD_CHOICE, 0, NF_ACTIVATION_SILU, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu",                   \
              "activation of the embedding"),                                                                                                   \
    NFI_FIELD(type, cond_standardise, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "conditioning columns are standardised, by mean 0 and sd 1 unless given")

extern const nfi_config_type nfi_condition_config_type; /* these fields alone, of nf_flow_config: the object "condition" of descriptions */

/* Fills in what follows from other fields of a resolved config, whose cond_dim is final, and checks the fields of the stage. NF_ERR_ARG,
 * NF_ERR_SHAPE, NF_ERR_LIMIT (max_dim); the line begins with `function` and names the field. */
nf_status nfi_condition_resolve(nf_flow_config *config, nf_context *context, const char *function);
static inline bool nfi_condition_has_stage(const nf_flow_config *c) { return c->cond_standardise || c->n_cond_mean || c->n_cond_sd || c->embed_dim; }
static inline int64_t nfi_condition_width(const nf_flow_config *c) { return c->embed_dim ? c->embed_dim : c->cond_dim; }
/* Parameters of the stage of a config after nfi_condition_resolve; false: too many to compute. */
bool nfi_condition_count(const nf_flow_config *config, int64_t *count);

/* Makes flow->condition, from a config after nfi_condition_resolve; offsets are the caller's to fill in. nfi_condition_free also after a failure. */
nf_status nfi_condition_make(nf_flow *flow, const nf_flow_config *config);
void nfi_condition_tiles(nf_flow *flow, int64_t rows); /* its tiles have so many rows at most: a power of two */
void nfi_condition_free(nf_flow *flow);
int64_t nfi_condition_packed_bytes(const nf_flow *flow, bool backward);
nf_status nfi_condition_param(const nfi_condition *condition, int32_t i, nf_param *param); /* NF_ERR_ARG past the last */
void nfi_condition_reset(nf_flow *flow);
void nfi_condition_pack(const nf_flow *flow, void *packed, void *packed_backward); /* of the whole flow; NULL: not wanted */
/* The raw value of column j that the stage standardises to `value`. */
double nfi_condition_raw(const nf_flow *flow, int64_t j, double value);

/* Rows [0, n) of w->raw to w->cond, marked in w->bad where that is not finite; a gradient's sums over layers begin at zero. */
void nfi_condition_apply(const nf_flow *flow, struct nfi_workspace *w, int64_t n);
/* The same of raw rows [n][cond_dim], n at most those of the workspace, or NULL without conditioning columns. */
void nfi_condition_load(const nf_flow *flow, struct nfi_workspace *w, int64_t n, const void *raw);
/* w->grad_cond, which every layer's and the base's backward have added to, to the stage's slice of the gradient. */
void nfi_condition_backward(const nf_flow *flow, struct nfi_workspace *w, int64_t n, const struct nfi_grad *grad);
/* Where the tile at row i of a block adds dL/dcond, NULL: not wanted. */
void *nfi_condition_grad(const nf_flow *flow, const struct nfi_workspace *w, const struct nfi_grad *grad, int64_t i);

/* out [n][ld] = (raw - mean) / sd, theta = (mean [dim], sd [dim]) */
void nfi_condition_scale_f32(int64_t n, int64_t dim, const void *theta, const void *raw, void *out, int64_t ld);
void nfi_condition_scale_f64(int64_t n, int64_t dim, const void *theta, const void *raw, void *out, int64_t ld);

#endif
