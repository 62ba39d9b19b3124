/* SPDX-License-Identifier: MIT
 *
 * coupling_table.h - what couplings of a table's columns have in common: masks, perceptrons, their fields
 */
#ifndef NFI_LAYERS_COUPLING_TABLE_H
#define NFI_LAYERS_COUPLING_TABLE_H

#include "layers/coupling.h"
#include "nets/mlp.h"
#include <nflow/coupling.h>

typedef struct nfi_table { /* the fields of a config that say which columns and networks; borrowed */
    const char *function;  /* for messages */
    int64_t dim, cond_dim, n_hidden, n_index;
    const int64_t *hidden, *index;
    int32_t mask, swap, activation, weights, random_last;
    int32_t separate; /* 1: two networks, one for parameter 0 of the transform and one for the others */
} nfi_table;

#define NFI_TABLE(config_, function_)                                                                                  \
    { .function = function_, .dim = (config_)->dim, .cond_dim = (config_)->cond_dim, .n_hidden = (config_)->n_hidden,  \
      .n_index = (config_)->n_index, .hidden = (config_)->hidden, .index = (config_)->index, .mask = (config_)->mask,  \
      .swap = (config_)->swap, .activation = (config_)->activation, .weights = (config_)->weights,                     \
      .random_last = (config_)->random_last }

/* Sizes, a and b of the coupling. NF_ERR_ARG, NF_ERR_MEMORY. */
nf_status nfi_table_columns(nfi_coupling *coupling, nf_maker *maker, const nfi_table *table);
/* The networks, for its transform. NF_ERR_MEMORY. */
nf_status nfi_table_nets(nfi_coupling *coupling, nf_maker *maker, const nfi_table *table);

/* Field rows, to be followed by a comma. */
#define NFI_TABLE_COLUMN_FIELDS(type)                                                                                  \
    NFI_FIELD(type, mask, NF_FIELD_CHOICE, 0, 1, 1, 3, "alternating,half,index", "Which columns are transformed"),     \
        NFI_FIELD(type, dim, NF_FIELD_I64, NF_FIELD_REQUIRED, 0, 1, NFI_MAX_DIM, NULL, "Columns in and out"),          \
        NFI_FIELD(type, cond_dim, NF_FIELD_I64, 0, 0, 0, NFI_MAX_DIM, NULL, "Conditioning columns"),                   \
        NFI_FIELD(type, swap, NF_FIELD_FLAG, 0, 0, 0, 1, NULL, "Transform the columns that the mask would keep")
#define NFI_TABLE_NET_FIELDS(type)                                                                                     \
    NFI_FIELD(type, activation, NF_FIELD_CHOICE, 0, 1, 1, 6, "relu,leaky_relu,tanh,softplus,silu,elu",                 \
              "Activation of the networks"),                                                                           \
        NFI_FIELD(type, weights, NF_FIELD_CHOICE, NF_FIELD_INITIAL, 1, 1, 4, "glorot,he,lecun,spread",                 \
                  "Rule of the initial weights"),                                                                      \
        NFI_FIELD(type, random_last, NF_FIELD_FLAG, NF_FIELD_INITIAL, 0, 0, 1, NULL,                                   \
                  "The last dense layer starts random instead of zero"),                                               \
        NFI_ARRAY(type, hidden, n_hidden, NF_FIELD_I64_ARRAY, 0, 0, 65536,                                             \
                  "Widths of the hidden layers, 64 and 64 unless given; a single 0 means none"),                       \
        NFI_ARRAY(type, index, n_index, NF_FIELD_I64_ARRAY, 0, 0, NFI_MAX_DIM, "Columns to transform, with mask index")

#endif
