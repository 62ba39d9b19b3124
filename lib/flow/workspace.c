/* SPDX-License-Identifier: MIT
 *
 * workspace.c - layout of the memory of a call, and the free list of such memory
 */
#include "flow/workspace.h"
#include "core/status.h"

int64_t nfi_train_block_rows(const nf_flow *flow, int64_t rows, int32_t *recompute)
{
    const int64_t budget = nfi_context_config(flow->object.context)->memory_budget;
    const int64_t row = flow->act_row + flow->saved_row;
    const int64_t most = budget / nfi_max(row, 1), whole = nfi_max(most / flow->tile_most * flow->tile_most, flow->tile_most);
    const int64_t block = nfi_min(nfi_round_up(nfi_min(rows, NFI_BLOCK_ROWS), flow->quantum), whole);

    *recompute = block > most;
    return block;
}

/* Places every buffer; with base NULL only the size is of interest. */
static int64_t workspace_layout(const nf_flow *flow, nfi_workspace *w, char *base, bool *overflow)
{
    nfi_layout layout = { .size = nfi_round_up((int64_t)sizeof *w, NFI_ALIGN) };
    const int64_t rows = w->rows, saved = w->recompute ? flow->saved_most : w->rows * flow->saved_row;

    for (int i = 0; i < 2; i++) w->state[i] = base + nfi_layout_add(&layout, rows * flow->dim, flow->size);
    w->z = base + nfi_layout_add(&layout, rows * flow->dim, flow->size);
    w->raw = base + nfi_layout_add(&layout, rows * flow->cond_dim, flow->size);
    w->cond = flow->condition.maker ? base + nfi_layout_add(&layout, rows * flow->condition.width, flow->size) : w->raw;
    w->grad_cond = flow->condition.embeds && w->train ? base + nfi_layout_add(&layout, rows * flow->condition.width, flow->size) : NULL;
    w->log_det = (double *)(void *)(base + nfi_layout_add(&layout, rows, 8));
    w->weight = (double *)(void *)(base + nfi_layout_add(&layout, rows, 8));
    w->spare = (double *)(void *)(base + nfi_layout_add(&layout, rows, 8));
    w->key = (uint64_t *)(void *)(base + nfi_layout_add(&layout, rows, 8));
    w->bad = (uint8_t *)(base + nfi_layout_add(&layout, rows, 1));
    w->scratch = base + nfi_layout_add(&layout, flow->scratch, 1);
    w->acts = base + nfi_layout_add(&layout, w->train ? rows : 0, flow->act_row);
    w->saved = base + nfi_layout_add(&layout, w->train ? saved : 0, 1);
    *overflow = layout.overflow;
    return layout.size;
}

int64_t nfi_workspace_bytes(const nf_flow *flow, int64_t rows, int32_t train, int32_t recompute)
{
    nfi_workspace plan = { .rows = rows, .train = train, .recompute = recompute };
    char sizing; /* only differences to it are used */
    bool overflow;
    const int64_t bytes = workspace_layout(flow, &plan, &sizing, &overflow);

    return overflow ? -1 : bytes;
}

static nfi_workspace *workspace_create(const nf_flow *flow, int64_t rows, int32_t train, int32_t recompute)
{
    const nfi_workspace plan = { .rows = rows, .train = train, .recompute = recompute, .segment = INT64_MAX };
    const int64_t bytes = nfi_workspace_bytes(flow, rows, train, recompute);
    nfi_workspace *w;
    bool overflow;

    if (bytes < 0) {
        nfi_fail(NF_ERR_OVERFLOW, "workspace of %lld rows is too large to compute", (long long)rows);
        return NULL;
    }
    w = nfi_alloc(flow->object.context, bytes, 1, NULL);
    if (!w) return NULL;
    *w = plan;
    w->bytes = bytes;
    (void)workspace_layout(flow, w, (char *)w, &overflow);
    return w;
}

static bool workspace_serves(const nfi_workspace *w, int64_t rows, int32_t train, int32_t recompute)
{
    return w->rows >= rows && (!train || (w->train && w->recompute == recompute));
}

static void workspace_free(const nf_flow *flow, nfi_workspace *w)
{
    if (w) nfi_free(flow->object.context, w, w->bytes, 1);
}

nfi_workspace *nfi_workspace_take(const nf_flow *flow, int64_t rows, int32_t train)
{
    nf_flow *owner = (nf_flow *)(uintptr_t)flow; /* the free list is the one mutable part of a const flow: atomics only */
    int32_t recompute = 0;
    const int64_t need = train ? nfi_train_block_rows(flow, rows, &recompute) : nfi_round_up(rows, flow->quantum);

    for (int i = 0; i < NFI_WORKSPACES; i++) {
        nfi_workspace *w = atomic_exchange_explicit(&owner->free_list[i], NULL, memory_order_acquire);
        if (!w) continue;
        w->segment = INT64_MAX;
        if (workspace_serves(w, need, train, recompute)) return w;
        nfi_workspace_put(flow, w);
    }
    return workspace_create(flow, need, train, recompute);
}

/* Keeps the workspace in the first empty place; when all are taken it is freed. */
void nfi_workspace_put(const nf_flow *flow, nfi_workspace *workspace)
{
    nf_flow *owner = (nf_flow *)(uintptr_t)flow;

    for (int i = NFI_WORKSPACES - 1; i >= 0 && workspace; i--) {
        nfi_workspace *empty = NULL;
        if (atomic_compare_exchange_strong_explicit(&owner->free_list[i], &empty, workspace, memory_order_release,
                                                    memory_order_relaxed))
            return;
    }
    workspace_free(flow, workspace);
}

void nfi_workspace_free_all(nf_flow *flow)
{
    for (int i = 0; i < NFI_WORKSPACES; i++) workspace_free(flow, atomic_exchange(&flow->free_list[i], NULL));
}
