/* SPDX-License-Identifier: MIT
 *
 * train_report.c - what nflow train tells: the plan, the curve of losses, the result
 */
#include "json.h"
#include "train.h"
#include <stdio.h>
#include <stdlib.h>

enum { CURVE_EPOCHS = 100 /* the library's default */ };

void train_print_plan(const train_run *run, const train_options *o)
{
    nf_step_memory_report m = { .struct_size = sizeof m };
    const int64_t rows = nf_dataset_rows(run->train), batch = o->fit.batch < rows ? o->fit.batch : rows;
    const double mib = 1048576.0;

    if (!train_takes_images(o) || o->common.quiet || o->common.json || nf_flow_step_memory(run->flow, batch, &m) < 0) return;
    printf("%s of %lld x %lld x %lld: %lld parameters\n", train_architecture(o)->name, (long long)run->shape.height, (long long)run->shape.width,
           (long long)run->shape.channels, (long long)nf_flow_param_count(run->flow));
    printf("a step of %lld images takes %.1f MiB: weights %.1f, gradients %.1f, inputs %.1f, hidden %.1f%s, scratch %.1f\n", (long long)batch,
           (double)m.total / mib, (double)m.params / mib, (double)m.gradients / mib, (double)m.inputs / mib, (double)m.hidden / mib,
           m.recompute ? " (computed twice)" : "", (double)m.scratch / mib);
    fflush(stdout);
}

double train_bits(const train_run *run, double nll)
{
    return run->shape.height ? nll / ((double)nf_flow_dim(run->flow) * log(2.0)) : (double)NAN;
}

int train_curve_begin(train_run *run, const train_options *o)
{
    const size_t epochs = (size_t)(o->fit.epochs > 0 ? o->fit.epochs : CURVE_EPOCHS);
    nf_fit_report *r = &run->report;

    if (!o->curve) return 0;
    r->curve_train = malloc(epochs * sizeof(double));
    r->curve_valid = malloc(epochs * sizeof(double));
    r->curve_capacity = (int64_t)epochs;
    return r->curve_train && r->curve_valid ? 0 : (tool_fail("out of memory"), -1);
}

/* A loss as the curve has it: bits per dimension of images, else nats a row in the units of the data; that of flow matching as it is. */
static double curve_value(const train_run *run, const train_options *o, double loss)
{
    if (o->fit.objective == NF_OBJECTIVE_FLOW_MATCHING) return loss;
    return run->shape.height ? train_bits(run, loss + run->line.shift) : loss + run->line.shift;
}

void train_curve_end(train_run *run, const train_options *o)
{
    nf_fit_report *r = &run->report;
    FILE *file = o->curve ? fopen(o->curve, "w") : NULL;

    if (o->curve && !file) tool_fail("%s: cannot be written", o->curve);
    if (file) fprintf(file, "epoch,train,valid\n");
    for (int64_t i = 0; file && i < r->curve_count; i++)
        fprintf(file, "%lld,%.9g,%.9g\n", (long long)i + 1, curve_value(run, o, r->curve_train[i]), curve_value(run, o, r->curve_valid[i]));
    if (file && fclose(file)) tool_fail("%s: could not be written", o->curve);
    free(r->curve_train);
    free(r->curve_valid);
    r->curve_train = r->curve_valid = NULL;
}

static double entropy(const train_run *run, const train_options *o)
{
    const char *name = table_density(run->data_name);

    return name ? nf_dataset_synthetic_entropy(name, o->noise) : (double)NAN;
}

void train_print_json(const train_run *run, const train_options *o)
{
    const nf_fit_report *r = &run->report;
    const double valid = run->valid ? r->valid_nll : (double)NAN, h = entropy(run, o);
    nft_json_writer w;

    nft_json_begin(&w, stdout);
    nft_json_string(&w, "model", o->output);
    nft_json_string(&w, "data", run->data_name);
    nft_json_string(&w, "arch", train_architecture(o)->name);
    nft_json_string(&w, "preset", train_preset(o)->name);
    nft_json_string(&w, "objective", o->fit.objective == NF_OBJECTIVE_FLOW_MATCHING ? "flow-matching" : "likelihood");
    nft_json_integer(&w, "rows_train", nf_dataset_rows(run->train));
    nft_json_integer(&w, "rows_valid", nf_dataset_rows(run->valid));
    nft_json_number(&w, "train_nll", r->train_nll);
    nft_json_number(&w, "valid_nll", valid);
    nft_json_number(&w, "train_nll_standardised", r->train_nll - run->log_sd);
    nft_json_number(&w, "valid_nll_standardised", valid - run->log_sd);
    nft_json_number(&w, "train_bits", train_bits(run, r->train_nll));
    nft_json_number(&w, "valid_bits", train_bits(run, valid));
    nft_json_number(&w, "entropy", h);
    nft_json_number(&w, "entropy_standardised", h - run->log_sd);
    nft_json_number(&w, "gaussian_valid_nll", run->gaussian);
    if (isfinite(run->gaussian))
        nft_json_flag(&w, "beats_gaussian", valid < run->gaussian);
    else
        nft_json_string(&w, "beats_gaussian", NULL);
    nft_json_integer(&w, "epochs", r->epochs);
    nft_json_integer(&w, "best_epoch", r->best_epoch);
    nft_json_integer(&w, "steps", r->steps);
    nft_json_integer(&w, "skipped", r->skipped);
    nft_json_number(&w, "seconds", r->seconds);
    nft_json_integer(&w, "stopped", r->stopped);
    nft_json_integer(&w, "params", nf_flow_param_count(run->flow));
    nft_json_natural(&w, "seed", o->seed);
    nft_json_integer(&w, "threads", nf_context_threads(run->context));
    nft_json_end(&w);
}

static void print_losses(const train_run *run, double h)
{
    const nf_fit_report *r = &run->report;

    printf("%-22s %12s %14s\n", "NLL, nats a row", "data units", "standardised");
    printf("%-22s %12.4f %14.4f\n", "training rows", r->train_nll, r->train_nll - run->log_sd);
    if (run->valid) printf("%-22s %12.4f %14.4f\n", "held-out rows", r->valid_nll, r->valid_nll - run->log_sd);
    if (isfinite(h)) printf("%-22s %12.4f %14.4f\n", "entropy (the floor)", h, h - run->log_sd);
    if (!isfinite(run->gaussian)) return;
    printf("%-22s %12.4f %14.4f\n", "a Gaussian, held out", run->gaussian, run->gaussian - run->log_sd);
    if (r->valid_nll < run->gaussian)
        printf("better than the full-covariance Gaussian by %.4f nats a row\n", run->gaussian - r->valid_nll);
    else
        printf("NOT better than the full-covariance Gaussian: worse by %.4f nats a row; it is the better model of these rows\n",
               r->valid_nll - run->gaussian);
}

static void print_image_losses(const train_run *run)
{
    const nf_fit_report *r = &run->report;

    printf("%-22s %12s %14s\n", "NLL", "bits/dim", "nats an image");
    printf("%-22s %12.4f %14.4f\n", "training images", train_bits(run, r->train_nll), r->train_nll);
    if (run->valid) printf("%-22s %12.4f %14.4f\n", "held-out images", train_bits(run, r->valid_nll), r->valid_nll);
}

void train_print_summary(const train_run *run, const train_options *o)
{
    const nf_fit_report *r = &run->report;

    if (run->shape.height)
        print_image_losses(run);
    else
        print_losses(run, entropy(run, o));
    printf("%lld epochs in %.1f s, best %lld; %lld parameters", (long long)r->epochs, r->seconds, (long long)r->best_epoch,
           (long long)nf_flow_param_count(run->flow));
    if (r->skipped) printf("; %lld steps skipped", (long long)r->skipped);
    printf("\nsaved as %s\n", o->output);
}
