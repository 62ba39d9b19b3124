/* SPDX-License-Identifier: MIT
 *
 * coupling_table.c - columns, masks and perceptrons of the couplings of tables, once for all of them
 */
#include "layers/coupling_table.h"

#include "core/status.h"

static bool table_mask_takes(const nfi_table *table, int64_t j)
{
    if (table->mask == NF_MASK_INDEX) return false; /* marked one by one */
    return table->mask == NF_MASK_HALF ? j >= table->dim / 2 : j % 2 == 1;
}

static nf_status table_check(const nfi_table *table)
{
    if (table->dim == 1 && table->cond_dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: dim is 1; a coupling needs 2 columns, or cond_dim > 0", table->function);
    if (table->n_index > 0 && table->mask != NF_MASK_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: index is given, but mask is not index", table->function);
    if (table->n_index == 0 && table->mask == NF_MASK_INDEX)
        return nfi_fail(NF_ERR_ARG, "%s: mask is index, but index is empty", table->function);
    return nfi_mlp_check_hidden(table->function, "hidden", table->hidden, table->n_hidden);
}

/* taken[j] = 1 for the columns of b. */
static nf_status table_mark(const nfi_table *table, unsigned char *taken)
{
    for (int64_t j = 0; j < table->dim; j++) taken[j] = table_mask_takes(table, j);
    const nf_status status = nfi_config_mark(table->function, "index", table->index, table->n_index, table->dim, taken);
    if (status != NF_OK) return status;
    for (int64_t j = 0; table->swap && j < table->dim; j++) taken[j] = !taken[j];
    if (table->dim == 1) taken[0] = 1; /* the one column depends on cond alone */
    return NF_OK;
}

nf_status nfi_table_columns(nfi_coupling *cp, nf_maker *maker, const nfi_table *table)
{
    nf_status status = table_check(table);
    if (status != NF_OK) return status;
    cp->dim = table->dim;
    cp->cond_dim = table->cond_dim;
    unsigned char *taken = nfi_maker_alloc(maker, table->dim, 1);
    if (!taken) return NF_ERR_MEMORY;
    status = table_mark(table, taken);
    if (status == NF_OK) status = nfi_coupling_columns(cp, maker, taken);
    if (status != NF_OK) return status;
    if (cp->n_b == 0) return nfi_fail(NF_ERR_ARG, "%s: mask and swap transform no column", table->function);
    if (cp->n_a + table->cond_dim == 0)
        return nfi_fail(NF_ERR_ARG, "%s: mask and swap keep no column, and cond_dim is 0", table->function);
    return NF_OK;
}

nf_status nfi_table_nets(nfi_coupling *cp, nf_maker *maker, const nfi_table *table)
{
    static const char *const names[] = { "t", "s" };
    const bool separate = table->separate && cp->transform.params > 1;
    const int64_t out = separate ? cp->n_b : cp->transform.params * cp->n_b;
    const int64_t n_hidden = nfi_mlp_n_hidden(table->hidden, table->n_hidden);
    nf_status status = NF_OK;

    cp->n_nets = separate ? 2 : 1;
    nfi_mlp *mlp = nfi_maker_alloc(maker, cp->n_nets, (int64_t)sizeof *mlp);
    if (!mlp) return NF_ERR_MEMORY;
    for (int32_t i = 0; i < cp->n_nets && status == NF_OK; i++) {
        cp->prefix[i] = table->separate ? names[i] : "net";
        status = nfi_mlp_create(&mlp[i], maker, cp->n_in, out, table->hidden, n_hidden, table->activation, table->weights, !table->random_last);
        if (status == NF_OK) cp->net[i] = nfi_mlp_net(&mlp[i]);
    }
    return status;
}
