/* SPDX-License-Identifier: MIT
 *
 * loss.c - the mean negative log-likelihood of a dataset
 *
 *   mean = - sum_i w_i log p(x_i) / sum_i w_i,   added row by row in double
 */
#include "train/loss.h"
#include "core/fpenv.h"
#include "core/status.h"
#include <math.h>
#include <nflow/train.h>

nf_status nfi_rows_make(nfi_rows *rows, nf_maker *maker, const nf_flow *flow, int64_t n)
{
    int64_t values, conds;

    if (!nfi_mul(n, flow->dim, &values) || !nfi_mul(n, flow->cond_dim, &conds))
        return nfi_fail(NF_ERR_OVERFLOW, "nf_flow_fit: a batch of %lld rows is too large to compute", (long long)n);
    *rows = (nfi_rows){ .n = n };
    rows->x = nfi_maker_alloc(maker, values, flow->size);
    rows->cond = flow->cond_dim ? nfi_maker_alloc(maker, conds, flow->size) : NULL;
    rows->weights = nfi_maker_alloc(maker, n, sizeof *rows->weights);
    rows->log_prob = nfi_maker_alloc(maker, n, sizeof *rows->log_prob);
    if (!rows->x || (flow->cond_dim && !rows->cond) || !rows->weights || !rows->log_prob) return NF_ERR_MEMORY;
    return NF_OK;
}

nf_status nfi_loss_check(const nf_flow *flow, const nf_dataset *data, const char *what)
{
    if (data->dim != flow->dim)
        return nfi_fail(NF_ERR_SHAPE, "%s has %lld columns, the flow has dim %lld", what, (long long)data->dim,
                        (long long)flow->dim);
    if (flow->cond_dim && data->cond_dim != flow->cond_dim)
        return nfi_fail(NF_ERR_SHAPE, "%s has %lld conditioning columns, the flow has cond_dim %lld", what,
                        (long long)data->cond_dim, (long long)flow->cond_dim);
    return NF_OK;
}

nf_status nfi_loss_mean(const nf_flow *flow, const nf_dataset *data, const nfi_rows *rows, double *mean, const char *function)
{
    const int64_t chunk = nfi_min(rows->n, NFI_LOSS_ROWS);
    double sum = 0, total = 0;
    nf_status result = NF_OK;

    *mean = NAN;
    for (int64_t first = 0; first < data->n; first += chunk) {
        const int64_t n = nfi_min(chunk, data->n - first);
        nf_status status;
        nfi_dataset_gather(data, NULL, first, n, flow->dtype, rows->x, rows->cond, data->weights ? rows->weights : NULL);
        status = nfi_flow_log_prob(flow, n, rows->x, rows->cond, rows->log_prob, function);
        if (status < 0) return status;
        if (status > 0) result = status;
        for (int64_t i = 0; i < n; i++) {
            const double w = data->weights ? rows->weights[i] : 1;
            if (!(w > 0)) continue;
            sum -= w * rows->log_prob[i];
            total += w;
        }
    }
    if (total > 0) *mean = sum / total;
    return result;
}

nf_status nf_flow_mean_nll(const nf_flow *flow, const nf_dataset *data, double *mean_nll)
{
    const char *const function = "nf_flow_mean_nll";
    nf_maker *maker = NULL;
    nfi_rows rows;
    nf_status status;
    uint64_t fpenv;

    if (!mean_nll) return nfi_fail(NF_ERR_NULL, "nf_flow_mean_nll: mean_nll is NULL");
    *mean_nll = NAN;
    if ((status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_mean_nll: flow"))) return status;
    if ((status = nfi_object_check(data, NFI_TAG_DATASET, "nf_flow_mean_nll: data"))) return status;
    if ((status = nfi_loss_check(flow, data, "nf_flow_mean_nll: data"))) return status;
    if ((status = nfi_maker_create(&maker, flow->object.context))) return status;
    fpenv = nfi_fpenv_enter();
    status = nfi_rows_make(&rows, maker, flow, nfi_min(data->n, NFI_LOSS_ROWS));
    if (!status) status = nfi_loss_mean(flow, data, &rows, mean_nll, function);
    nfi_fpenv_leave(fpenv);
    nfi_maker_free(maker);
    return status;
}
