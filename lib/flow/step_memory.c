/* SPDX-License-Identifier: MIT
 *
 * step_memory.c - what a training step will need, told before it is taken
 */
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/workspace.h"

/* Bytes of one worker beside what it keeps of its rows. */
static int64_t memory_scratch(const nf_flow *flow, const nfi_grad_sizes *s)
{
    return nfi_workspace_bytes(flow, s->rows, 0, 0);
}

static nf_status memory_fill(const nf_flow *flow, int64_t n, nf_step_memory_report *own)
{
    const nfi_grad_sizes s = nfi_flow_grad_sizes(flow, n);
    const int64_t whole = nfi_workspace_bytes(flow, s.rows, 1, s.recompute), scratch = memory_scratch(flow, &s);

    if (whole < 0 || scratch < 0) return nfi_fail(NF_ERR_OVERFLOW, "nf_flow_step_memory: n is %lld, too many rows", (long long)n);
    own->recompute = s.recompute;
    own->workers = s.workers;
    own->block_rows = s.rows;
    own->params = flow->count * flow->size + flow->packed_bytes + flow->packed_backward_bytes;
    own->gradients = (1 + s.buffers) * flow->count * flow->size;
    own->inputs = s.workers * s.rows * flow->act_row;
    own->hidden = s.workers * (whole - scratch) - own->inputs;
    own->scratch = s.workers * scratch;
    own->total = own->params + own->gradients + own->inputs + own->hidden + own->scratch;
    return NF_OK;
}

nf_status nf_flow_step_memory(const nf_flow *flow, int64_t n, nf_step_memory_report *report)
{
    nf_step_memory_report own = { 0 };
    nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, "nf_flow_step_memory", "flow");

    if (status) return status;
    if ((status = nfi_report_check(report, sizeof *report, "nf_flow_step_memory"))) return status;
    if (n < 1) return nfi_fail(NF_ERR_SHAPE, "nf_flow_step_memory: n is %lld, must be at least 1", (long long)n);
    const uint64_t fpenv = nfi_fpenv_enter();
    status = memory_fill(flow, n, &own);
    nfi_fpenv_leave(fpenv);
    if (!status) nfi_report_write(report, &own, sizeof own);
    return status;
}
