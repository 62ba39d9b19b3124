/* SPDX-License-Identifier: MIT
 *
 * init.c - data-dependent initialisation, front to back
 *
 * Each layer that wants data (actnorm) sees the batch as the layers before it, already initialised, map it. A view named
 * "initialised" (frozen, scalar) tells whether it has had it; it is saved with the model, so loading never initialises again.
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/evaluate.h"
#include "flow/job.h"
#include "flow/rows.h"
#include <string.h>

/* Offset of the place's "initialised" parameter within the block, -1: none. */
static int64_t init_flag(const nfi_place *p)
{
    const nf_layer *layer = p->layer;

    for (int32_t i = 0; i < layer->n_params; i++) {
        nf_param param = { .struct_size = sizeof param };
        if (!layer->type->param(layer->self, i, &param) && !strcmp(param.name, "initialised")) return p->theta + param.offset;
    }
    return -1;
}

static bool init_wanted(const nf_flow *flow, const nfi_place *p)
{
    const int64_t flag = p->info.needs_init && nfi_layer_ops(p->layer, flow->dtype)->init ? init_flag(p) : -1;

    if (flag < 0) return false;
    return flow->dtype == NF_F32 ? ((const float *)flow->theta)[flag] == 0.0f : ((const double *)flow->theta)[flag] == 0.0;
}

bool nfi_flow_wants_init(const nf_flow *flow)
{
    for (int64_t l = 0; l < flow->n_places; l++)
        if (init_wanted(flow, &flow->places[l])) return true;
    return false;
}

/* Rows of a layer through the layer, tile by tile, with the parameters as they are now. */
static nf_status init_forward(const nf_flow *flow, const nfi_place *p, nfi_workspace *w, int64_t n, const char *cond, const char *in, char *out)
{
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    const int64_t bytes = p->info.dim * flow->size;
    nf_status status = NF_OK;

    for (int64_t i = 0; i < n && !status; i += p->info.tile_rows) {
        nf_tile tile = nfi_chain_tile(flow, p, w, 0, 0, nfi_min(p->info.tile_rows, n - i));
        tile.row = i;
        for (int64_t r = 0; r < tile.n; r++) w->key[r] = (uint64_t)(i + r);
        memset(w->bad, 0, (size_t)tile.n);
        if (flow->cond_dim) tile.cond = cond + i * flow->condition.width * flow->size;
        status = ops->forward(p->layer->self, &tile, in + i * bytes, out + i * bytes, NULL);
    }
    return status;
}

static nf_status init_place(nf_flow *flow, const nfi_place *p, nfi_workspace *w, int64_t n, const char *cond, const char *in)
{
    nf_tile tile = nfi_chain_tile(flow, p, w, 0, 0, n);
    char *theta = (char *)flow->theta + p->theta * flow->size;
    const nf_layer_ops *ops = nfi_layer_ops(p->layer, flow->dtype);
    nf_status status;

    if (!init_wanted(flow, p)) return NF_OK;
    tile.cond = cond;
    for (tile.pass = 0; tile.pass < nfi_max(p->info.init_passes, 1); tile.pass++) {
        if ((status = ops->init(p->layer->self, &tile, in, theta))) return status;
        nfi_flow_pack_place(flow, p, flow->packed, atomic_load(&flow->packed_backward));
    }
    return NF_OK;
}

/* Drops the factored-out columns: in place, rows only get shorter. */
static void init_compact(const nf_flow *flow, const nfi_place *p, int64_t n, char *rows)
{
    const int64_t keep = p->info.dim_out * flow->size, all = p->info.dim * flow->size;
    for (int64_t i = 1; i < n && keep < all; i++) memmove(rows + i * keep, rows + i * all, (size_t)keep);
}

static nf_status init_chain(nf_flow *flow, nfi_workspace *w, int64_t n, const char *cond, char *state[2])
{
    nf_status status;
    int at = 0;

    for (int64_t l = 0; l < flow->n_places; l++) {
        const nfi_place *p = &flow->places[l];
        status = init_place(flow, p, w, n, cond, state[at]);
        if (!status) status = init_forward(flow, p, w, n, cond, state[at], state[!at]);
        if (status) return nfi_fail_in(status, "layer %lld (%s)", (long long)l, p->layer->type->name);
        at = !at;
        init_compact(flow, p, n, state[at]);
    }
    return NF_OK;
}

/* cond [n][cond_dim] as layers see it, to out [n][width]. */
static void init_condition(const nf_flow *flow, nfi_workspace *w, int64_t n, const char *cond, char *out)
{
    const int64_t bytes = flow->cond_dim * flow->size, bytes_out = flow->condition.width * flow->size;

    for (int64_t i = 0, m; i < n && cond; i += m) {
        m = nfi_min(NFI_TILE_ROWS, n - i);
        nfi_condition_load(flow, w, m, cond + i * bytes);
        memcpy(out + i * bytes_out, w->cond, (size_t)(m * bytes_out));
    }
}

nf_status nfi_flow_init_data(nf_flow *flow, int64_t n, const void *x, const void *cond, const char *function)
{
    nf_context *context = flow->object.context;
    const int64_t bytes = n * flow->dim * flow->size, bytes_cond = n * flow->condition.width * flow->size;
    nf_status status = NF_OK;
    char *state[2] = { nfi_alloc(context, bytes, 1, &status), nfi_alloc(context, bytes, 1, &status) };
    char *seen = nfi_alloc(context, bytes_cond, 1, &status);
    char *before = nfi_alloc(context, flow->count, flow->size, &status);
    nfi_workspace *w = nfi_workspace_take(flow, NFI_TILE_ROWS, 0);
    const uint64_t fpenv = nfi_fpenv_enter();

    if (!state[0] || !state[1] || !seen || !before || !w) {
        status = NF_ERR_MEMORY;
        goto done;
    }
    memcpy(state[0], x, (size_t)bytes);
    memcpy(before, flow->theta, (size_t)(flow->count * flow->size));
    init_condition(flow, w, n, cond, seen);
    status = init_chain(flow, w, n, cond ? seen : NULL, state);
    if (status) {
        nfi_fail_in(status, "%s", function);
        memcpy(flow->theta, before, (size_t)(flow->count * flow->size));
        nfi_flow_pack(flow);
    }
done:
    nfi_fpenv_leave(fpenv);
    nfi_workspace_put(flow, w);
    nfi_free(context, before, flow->count, flow->size);
    nfi_free(context, seen, bytes_cond, 1);
    nfi_free(context, state[0], bytes, 1);
    nfi_free(context, state[1], bytes, 1);
    return status;
}

static nf_status init_check_finite(const nfi_call *c, const char *name, int64_t cols, const void *rows)
{
    const int64_t bad = cols ? nfi_first_nonfinite(c->flow->dtype, c->n * cols, rows) : -1;

    if (bad < 0) return NF_OK;
    return nfi_fail(NF_ERR_NONFINITE, "%s: %s[%lld][%lld] is not finite", c->function, name, (long long)(bad / cols), (long long)(bad % cols));
}

static nf_status init_call(nf_flow *flow, const nfi_call *c)
{
    nf_status status = nfi_call_check(c);

    if (status) return status;
    if (c->n < 2) return nfi_fail(NF_ERR_SHAPE, "%s: n is %lld, must be at least 2", c->function, (long long)c->n);
    if ((status = init_check_finite(c, "x", flow->dim, c->in)) || (status = init_check_finite(c, "cond", flow->cond_dim, c->cond))) return status;
    if ((status = nfi_flow_begin(flow, c->function))) return status;
    status = nfi_flow_init_data(flow, c->n, c->in, c->cond, c->function);
    nfi_flow_end(flow);
    return status;
}

nf_status nf_flow_init_data(nf_flow *flow, int64_t n, const float *x, const float *cond)
{
    return init_call(flow, &(nfi_call){ "nf_flow_init_data", flow, NF_F32, n, "x", x, cond, "x", NULL, 0, "x", NULL, NFI_VALUE_OPTIONAL });
}

nf_status nf_flow_init_data_f64(nf_flow *flow, int64_t n, const double *x, const double *cond)
{
    return init_call(flow, &(nfi_call){ "nf_flow_init_data_f64", flow, NF_F64, n, "x", x, cond, "x", NULL, 0, "x", NULL, NFI_VALUE_OPTIONAL });
}
