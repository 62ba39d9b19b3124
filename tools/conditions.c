/* SPDX-License-Identifier: MIT
 *
 * conditions.c - what nflow train makes of conditioning columns: standardised, as features are, and embedded where --embed or --embed-dim asks
 *
 * The model keeps mean and sd, so that every command goes on taking conditions as they are. A column that does not vary is no error, as it
 * would be among the features: a condition may well be the same in all rows of a sample. Labels that are a column a class stay 0 and 1.
 */
#include "train.h"
#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#define EMBED_DIM "8" /* of --embed alone */

/* Labels, one column a class. */
static int one_hot(const nf_read_config *read)
{
    return (read->labels || read->label_kind || read->label_classes) && read->label_kind != NF_LABEL_NUMBER;
}

static int varies(const nf_column_report *c, double spread)
{
    return !c->is_constant && spread > 4 * DBL_EPSILON * fmax(fabs(c->min), fabs(c->max));
}

/* Mean and sd of conditioning column j, warned about where there is no sd to divide by. */
static void measure_column(const nf_column_report *c, int64_t j, int robust, double *mean, double *sd)
{
    const double mad = 1.4826 * c->mad;

    *mean = isfinite(c->mean) ? c->mean : 0.0;
    *sd = 1.0;
    if (!isfinite(c->sd)) return; /* no value at all: the fit says so */
    if (!varies(c, c->sd)) {
        (void)tool_fail("warning: conditioning column %lld does not vary (every value is %g): nothing can be learned of it, its sd is taken as 1", (long long)j,
                  c->mean);
    } else if (robust && varies(c, mad)) {
        *mean = c->median;
        *sd = mad;
    } else {
        if (robust) (void)tool_fail("warning: over half of conditioning column %lld is %g: mean and sd are taken, in spite of --robust", (long long)j, c->median);
        *sd = c->sd;
    }
}

/* The conditioning columns as features, to be measured. */
static nf_status columns_of(nf_dataset **out, nf_context *context, const nf_dataset *data)
{
    const int64_t n = nf_dataset_rows(data), dim = nf_dataset_dim(data), cond_dim = nf_dataset_cond_dim(data);
    double *x = malloc((size_t)(dim + n * cond_dim) * sizeof *x), *cond = x + dim;
    nf_status status = x ? NF_OK : NF_ERR_MEMORY;

    for (int64_t i = 0; i < n && status >= 0; i++) status = nf_dataset_copy_f64(data, i, 1, x, cond + i * cond_dim);
    if (status >= 0) status = nf_dataset_from_array_f64(out, context, n, cond_dim, cond);
    free(x);
    return status;
}

static int measure(train_run *run, const nf_dataset *data, int robust)
{
    const int64_t cond_dim = nf_dataset_cond_dim(data);
    nf_dataset *columns = NULL;
    nf_status status = columns_of(&columns, run->context, data);

    run->cond_mean = malloc(2 * (size_t)cond_dim * sizeof *run->cond_mean);
    if (!run->cond_mean) status = NF_ERR_MEMORY;
    else run->cond_sd = run->cond_mean + cond_dim;
    for (int64_t j = 0; j < cond_dim && status >= 0; j++) {
        nf_column_report column = { .struct_size = sizeof column };
        status = nf_dataset_check(columns, j, &column);
        if (status >= 0) measure_column(&column, j, robust, &run->cond_mean[j], &run->cond_sd[j]);
    }
    nf_dataset_unref(columns);
    if (status == NF_ERR_MEMORY) return tool_fail("out of memory");
    return status < 0 ? tool_library_failed(status) : CODE_OK;
}

int train_conditions(train_run *run, train_options *o)
{
    const int embeds = options_given(run->set, "embed_hidden") || options_given(run->set, "embed_dim") || options_given(run->set, "embed_activation");
    const nf_dataset *data = o->standardise_all || train_preset(o)->standardise_all ? run->all : run->train;
    int code;

    if (!nf_dataset_cond_dim(run->all))
        return embeds ? tool_usage(&command_train, "--embed: %s has no conditioning columns to embed; --cond names them", run->data_name) : CODE_OK;
    if (embeds && (code = options_default(run->set, "embed_dim", EMBED_DIM))) return code;
    if (options_given(run->set, "no_standardise") || one_hot(&o->common.read)) return CODE_OK;
    return measure(run, data, o->robust);
}
