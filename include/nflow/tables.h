/* SPDX-License-Identifier: MIT
 *
 * tables.h - recipes for tables: spline couplings (NSF), masked and inverse autoregressive flows (MAF, IAF), additive couplings (NICE)
 *
 *   x -> [columns] -> [standardise] -> ([mix] -> layer of the recipe) x layers -> N(0, I)
 *
 * A recipe makes an ordinary flow of the layers of nflow/layer.h, nflow/coupling.h and nflow/autoregressive.h; what nflow/flow.h says of
 * flows holds, errors are theirs. docs/tables.md says what to choose. Everything here since 0.1
 */
#ifndef NFLOW_TABLES_H
#define NFLOW_TABLES_H

#include <nflow/autoregressive.h>
#include <nflow/coupling.h>
#include <nflow/flow.h>

NF_BEGIN_DECLS

/* What mixes the columns before each layer, so that every column meets every other. */
enum {
    NF_MIX_LINEAR = 1,  /* "linear", trained, in PLU form */
    NF_MIX_RANDOM = 2,  /* "permutation", random by seed; before every other coupling, so that two together transform all columns */
    NF_MIX_REVERSE = 3, /* "permutation", reversed */
    NF_MIX_NONE = 4     /* nothing: couplings take turns all the same */
};

/**
 * What the four recipes take. A field that is 0 takes its value from the recipe:
 *
 *   recipe  layer of a step                            layers  mix      transform
 *   nsf     coupling_spline                            6       linear   (spline)
 *   maf     autoregressive, densities in one pass      5       reverse  affine
 *   iaf     autoregressive, samples in one pass        5       reverse  affine
 *   nice    coupling_affine, additive; at the end one  4       none     (additive)
 *           "affine" scales the columns
 *
 * Networks have 2 x 64 hidden units, silu, spread weights, and a last layer of zeros: a new flow is the identity up to its mixes.
 * A single column without cond gets splines without a network from nsf.
 * kind, low, high, alpha and noise are those of a layer "columns", which stands first when kind is given; mean and sd are then those
 * of its output.
 * nsf takes periodic columns: each is a circle of [-bound, bound), not standardised whatever mean and sd say, and uniform in the base, a
 * "box" that is normal in the other columns. No layer may then mix columns: mix, by default random, chooses what couplings transform; none
 * lets the columns take turns.
 */
typedef struct nf_table_config {
    uint32_t struct_size;
    int32_t dtype;      /* NF_F32 (default) or NF_F64 */
    int64_t dim;        /* required; nice: >= 2, or >= 1 with cond_dim > 0 */
    int64_t cond_dim;
    int64_t layers;     /* at most 1024 */
    const int64_t *hidden; /* widths of the hidden layers; {0}: none */
    int64_t n_hidden;
    int32_t activation; /* NF_ACTIVATION_... */
    int32_t mix;        /* NF_MIX_... */
    int32_t transform;  /* NF_TRANSFORM_..., of maf and iaf */
    int32_t bins;       /* of splines, 2..64, default 8 */
    double bound;       /* of splines: B, default 4: identity beyond, and half the period of periodic columns; of the log-scale of maf and iaf with affine, default 2 */
    uint64_t seed;      /* of the initial weights, random mixes and noise */
    const double *mean; /* [dim]: with sd, a standardise layer; one without the other: sd 1, or mean 0 */
    int64_t n_mean;
    const double *sd;
    int64_t n_sd;
    const int64_t *kind; /* [dim], NF_COLUMN_..., or NULL: all real, no layer */
    int64_t n_kind;
    const double *low;  /* [dim] or NULL: 0 */
    int64_t n_low;
    const double *high; /* [dim] or NULL: 0 */
    int64_t n_high;
    double alpha;       /* margin of bounded columns, default 1e-6 */
    int32_t noise;      /* NF_NOISE_...: of integer columns */
    int32_t reserved;
    const double *cond_mean; /* [cond_dim]; this and what follows: as in nf_flow_config */
    int64_t n_cond_mean;
    const double *cond_sd;
    int64_t n_cond_sd;
    const int64_t *embed_hidden;
    int64_t n_embed_hidden;
    int64_t embed_dim;
    int32_t embed_activation;
    int32_t cond_standardise;
} nf_table_config;
#define NF_TABLE_CONFIG_INIT { .struct_size = sizeof(nf_table_config) }
NF_API void nf_table_config_init(nf_table_config *config);

/**
 * Neural spline flow: the usual choice for tables; densities and samples both in one pass.
 * Answers as nf_flow_create and the layers' constructors; config is required. NF_ERR_ARG (a field that is of another recipe: transform; mix
 * linear or reverse with a periodic column) and
 * NF_ERR_SHAPE name the field.
 * Ref: Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", arXiv:1906.04032.
 */
NF_API nf_status nf_flow_create_nsf(nf_flow **out, nf_context *context, const nf_table_config *config);
/** Masked autoregressive flow: densities in one pass, samples column by column. Errors as nf_flow_create_nsf; bins with transform affine is
 * NF_ERR_ARG, and so is a periodic column in all recipes but nsf. Ref: Papamakarios, Pavlakou, Murray, arXiv:1705.07057. */
NF_API nf_status nf_flow_create_maf(nf_flow **out, nf_context *context, const nf_table_config *config);
/** Inverse autoregressive flow: samples in one pass, densities of foreign rows column by column. Errors as nf_flow_create_maf.
 * Ref: Kingma et al., arXiv:1606.04934. */
NF_API nf_status nf_flow_create_iaf(nf_flow **out, nf_context *context, const nf_table_config *config);
/** Additive couplings: volume kept but for one scaling. Errors as nf_flow_create_nsf; bins and bound are NF_ERR_ARG.
 * Ref: Dinh, Krueger, Bengio, "NICE", arXiv:1410.8516. */
NF_API nf_status nf_flow_create_nice(nf_flow **out, nf_context *context, const nf_table_config *config);

NF_END_DECLS
#endif
