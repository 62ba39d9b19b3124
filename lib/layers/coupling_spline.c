/* SPDX-License-Identifier: MIT
 *
 * coupling_spline.c - coupling of a table's columns by rational-quadratic splines, by perceptrons
 *
 *   z_a = x_a,   z_b = T(x_b; p),   p = net(f(x_a), cond):   see coupling.c, coupling_features.h and transform_spline.c
 *
 * Periodic columns have period 2 B: kept ones are seen as cosine and sine, transformed ones have one slope at both ends. When one of the
 * transformed is, all have a parameter for it, and those of other columns are not used.
 * theta: views "net.<l>...". All p zero: the identity.
 * With bounded logits no part of a side is below e^-m / (e^-m + (K - 1) e^m) and no slope beyond softplus(2 m + c): whatever the
 * network answers, the inverse is well-conditioned.
 *
 * Check value: dim=2, hidden={0}, 2 bins, B = 3, safe, W = 0, b = (0.4, -0.3, -0.2, 0.5, 0.6), x = (0.7, 0.75):
 * z = (0.7, -1.2463298345), log|det| = -0.0046561241; periodic {1}, b_6 = -0.7: z_2 = -1.1022233046, log|det| = -0.6952954317
 * Ref: Durkan, Bekasov, Murray, Papamakarios, "Neural spline flows", arXiv:1906.04032.
 */
#include "layers/coupling_table.h"


static const char coupling_function[] = "nf_coupling_spline_create";

/* Ends of the transformed columns, features of the others */
static nf_status coupling_circles(nfi_coupling *cp, nf_maker *maker, const nf_coupling_spline_config *config, nfi_transform_spline *spline)
{
    unsigned char *marks = nfi_maker_alloc(maker, cp->dim, 1), *open = nfi_maker_alloc(maker, cp->n_b, 1);
    if (!marks || !open) return NF_ERR_MEMORY;
    const nf_status status = nfi_config_mark(coupling_function, "periodic", config->periodic, config->n_periodic, cp->dim, marks);
    if (status != NF_OK) return status;
    for (int64_t j = 0; j < cp->n_b; j++) {
        open[j] = !marks[cp->b[j]];
        spline->circular |= !open[j];
    }
    if (spline->circular) spline->open = open;
    return nfi_coupling_circles(cp, maker, marks, config->bound);
}

/* Defaults go into the config, so that the description tells them. */
static nf_status coupling_transform(nfi_coupling *cp, nf_maker *maker, nf_coupling_spline_config *config)
{
    nfi_transform_spline *spline = nfi_maker_alloc(maker, 1, (int64_t)sizeof *spline);
    if (!spline) return NF_ERR_MEMORY;
    *spline = NFI_TRANSFORM_SPLINE(config, config->bound);
    nf_status status = nfi_transform_spline_resolve(spline, config->form, coupling_function);
    if (status == NF_OK && config->n_periodic) status = coupling_circles(cp, maker, config, spline);
    if (status != NF_OK) return status;
    NFI_TRANSFORM_SPLINE_TOLD(spline, config);
    cp->transform = nfi_transform_spline_of(spline);
    return NF_OK;
}

static nf_status coupling_make(nf_maker *maker, void *resolved, void **self)
{
    nf_coupling_spline_config *config = resolved;
    nfi_coupling *cp = nf_maker_alloc(maker, (int64_t)sizeof *cp);
    if (!cp) return NF_ERR_MEMORY;

    nf_status status = nfi_mlp_default_hidden(maker, &config->hidden, &config->n_hidden);
    if (status != NF_OK) return status;
    const nfi_table table = NFI_TABLE(config, coupling_function);
    status = nfi_table_columns(cp, maker, &table);
    if (status == NF_OK) status = coupling_transform(cp, maker, config);
    if (status == NF_OK) status = nfi_table_nets(cp, maker, &table);
    *self = cp;
    return status;
}

#define COUPLING_FIELD(member, kind, fallback, min, max, choices, help)                                                \
    NFI_FIELD(nf_coupling_spline_config, member, kind, 0, fallback, min, max, choices, help)
static const nf_field coupling_fields[] = {
    NFI_TABLE_COLUMN_FIELDS(nf_coupling_spline_config),
    COUPLING_FIELD(form, NF_FIELD_CHOICE, 1, 1, 3, "safe,free,softclip", "Whether and how the logits of the spline are bounded"),
    COUPLING_FIELD(bins, NF_FIELD_I32, 8, 2, NFI_SPLINE_BINS, NULL, "Pieces of a spline"),
    COUPLING_FIELD(bound, NF_FIELD_F64, 3, 1e-3, 1e6, NULL, "Splines map [-bound, bound]; beyond is the identity"),
    COUPLING_FIELD(min_width, NF_FIELD_F64, 0, 0, 0.25, NULL, "Least width of a bin, as part of 2 bound; 0 means 1e-2 (safe) or 1e-3 (free)"),
    COUPLING_FIELD(min_height, NF_FIELD_F64, 0, 0, 0.25, NULL, "Least height of a bin, as part of 2 bound; 0 as for min_width"),
    COUPLING_FIELD(min_slope, NF_FIELD_F64, 0, 0, 0.9, NULL, "Least slope at a knot; 0 as for min_width"),
    COUPLING_FIELD(logit_bound, NF_FIELD_F64, 0, 0, 40, NULL, "Bound of the logits; 0 means 2 (safe) or ln(1000) / 2 (softclip)"),
    NFI_TABLE_NET_FIELDS(nf_coupling_spline_config),
    NFI_ARRAY(nf_coupling_spline_config, periodic, n_periodic, NF_FIELD_I64_ARRAY, 0, 0, NFI_MAX_DIM, "Columns that are periodic, of period 2 bound"),
};
const nfi_config_type nfi_coupling_spline_config_type =
    NFI_CONFIG_TYPE("coupling_spline", nf_coupling_spline_config, coupling_fields);
const nf_layer_type nfi_coupling_spline_type = {
    NFI_LAYER_TYPE("coupling_spline", nf_coupling_spline_config, coupling_fields),
    .create = coupling_make,
    .describe = nfi_coupling_describe,
    .param = nfi_coupling_param,
    .f32 = &nfi_coupling_ops_f32,
    .f64 = &nfi_coupling_ops_f64,
};

void nf_coupling_spline_config_init(nf_coupling_spline_config *config)
{
    if (config) *config = (nf_coupling_spline_config)NF_COUPLING_SPLINE_CONFIG_INIT;
}

nf_status nf_coupling_spline_create(nf_layer **out, nf_context *context, const nf_coupling_spline_config *config)
{
    return nfi_layer_make(out, context, &nfi_coupling_spline_type, config, coupling_function);
}
