/* SPDX-License-Identifier: MIT
 *
 * model_save.c - a flow as the bytes of a model file
 */
#include "io/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/rng.h"
#include "core/fpenv.h"
#include "core/status.h"
#include "flow/rows.h"
#include "io/crc32c.h"
#include "io/description.h"
#include "math/functions.h"
#include <nflow/model.h>

struct model_writer {
    nf_context *context;
    const nf_flow *flow;
    const nfi_model_parts *parts;
    const char *function;
    nf_param_view *views;
    int64_t n_views;
    nfi_entry *entries;
    int64_t n_entries, capacity;
    void *x, *cond; /* self-test rows */
    double *log_prob;
    nfi_text header;
    int64_t size;
};

void nfi_model_checksum_text(uint32_t crc, char out[16])
{
    (void)snprintf(out, 16, "crc32c:%08lx", (unsigned long)crc & 0xfffffffful);
}

int64_t nfi_model_views(const nf_flow *flow)
{
    int64_t n = flow->condition.n_params + flow->base->n_params;

    for (int64_t i = 0; i < flow->n_places; i++) n += flow->places[i].layer->n_params;
    return n;
}

/* What kernels trust: constants that divide are positive, flags are flags. */
static bool model_value_ok(const nf_param_view *view, double value)
{
    const char *dot = strrchr(view->name, '.'), *name = dot ? dot + 1 : view->name;

    if (!isfinite(value)) return false;
    if (!(view->properties & NF_PARAM_FROZEN)) return true;
    if (strcmp(name, "sd") == 0) return value > 0.0;
    return strcmp(name, "initialised") != 0 || value == 0.0 || value == 1.0;
}

int64_t nfi_model_bad_parameter(const nf_flow *flow, const void *theta, char name[96])
{
    const int64_t n = nfi_model_views(flow);
    nf_param_view view = { .struct_size = sizeof view };

    for (int64_t i = 0; i < n; i++) {
        if (nf_flow_param(flow, i, &view)) continue;
        for (int64_t k = view.offset; k < view.offset + view.count; k++) {
            const double value = flow->dtype == NF_F32 ? (double)((const float *)theta)[k] : ((const double *)theta)[k];
            if (model_value_ok(&view, value)) continue;
            memcpy(name, view.name, sizeof view.name);
            return k - view.offset;
        }
    }
    return -1;
}

static nf_status model_check_parameters(const struct model_writer *w)
{
    char name[96];
    const int64_t bad = nfi_model_bad_parameter(w->flow, w->flow->theta, name);

    if (bad < 0) return NF_OK;
    return nfi_fail(NF_ERR_NONFINITE, "%s: element %lld of %s is not finite or not allowed", w->function, (long long)bad, name);
}

/* Self-test rows */

static nf_status model_rows_alloc(struct model_writer *w)
{
    const nf_flow *flow = w->flow;
    nf_status status;

    w->x = nfi_alloc(w->context, NFI_SELFTEST_ROWS * flow->dim, flow->size, &status);
    if (w->x) w->cond = nfi_alloc(w->context, NFI_SELFTEST_ROWS * flow->cond_dim, flow->size, &status);
    if (w->cond) w->log_prob = nfi_alloc(w->context, NFI_SELFTEST_ROWS, sizeof *w->log_prob, &status);
    return status;
}

static void model_rows_cond(struct model_writer *w)
{
    for (int64_t i = 0; i < NFI_SELFTEST_ROWS * w->flow->cond_dim; i++) {
        const double value = nfi_condition_raw(w->flow, i % w->flow->cond_dim, nfi_normal(0, NFI_STREAM_CHECK, (uint64_t)i));
        if (w->flow->dtype == NF_F32)
            ((float *)w->cond)[i] = (float)value;
        else
            ((double *)w->cond)[i] = value;
    }
}

static nf_status model_rows_compute(struct model_writer *w)
{
    const nf_flow *flow = w->flow;
    const void *cond = flow->cond_dim ? w->cond : NULL;
    const int64_t n = NFI_SELFTEST_ROWS;
    nf_status status;

    if (flow->dtype == NF_F32) {
        status = nf_flow_sample(flow, 0, 0, n, cond, 1.0, w->x, NULL);
        return status ? status : nf_flow_log_prob(flow, n, w->x, cond, w->log_prob);
    }
    status = nf_flow_sample_f64(flow, 0, 0, n, cond, 1.0, w->x, NULL);
    return status ? status : nf_flow_log_prob_f64(flow, n, w->x, cond, w->log_prob);
}

static bool model_rows_finite(const struct model_writer *w)
{
    return nfi_first_nonfinite(w->flow->dtype, NFI_SELFTEST_ROWS * w->flow->dim, w->x) < 0 &&
           nfi_first_nonfinite(NF_F64, NFI_SELFTEST_ROWS, w->log_prob) < 0;
}

static void model_add(struct model_writer *w, nfi_entry entry) { w->entries[w->n_entries++] = entry; }

/* A flow that cannot sample (a layer without inverse, a cancelled context) is saved without such rows. */
static nf_status model_add_rows(struct model_writer *w)
{
    const int64_t dim = w->flow->dim, cond_dim = w->flow->cond_dim;
    nf_status status = model_rows_alloc(w);

    if (status) return status;
    model_rows_cond(w);
    status = model_rows_compute(w);
    if (status == NF_ERR_MEMORY) return status;
    if (status != NF_OK || !model_rows_finite(w)) return NF_OK;
    model_add(w, (nfi_entry){ "selftest.x", w->flow->dtype, 2, { NFI_SELFTEST_ROWS, dim, 0, 0 }, w->x });
    if (cond_dim) model_add(w, (nfi_entry){ "selftest.cond", w->flow->dtype, 2, { NFI_SELFTEST_ROWS, cond_dim, 0, 0 }, w->cond });
    model_add(w, (nfi_entry){ "selftest.log_prob", NF_F64, 1, { NFI_SELFTEST_ROWS, 0, 0, 0 }, w->log_prob });
    return NF_OK;
}

/* Tensors */

static nf_status model_add_views(struct model_writer *w)
{
    for (int64_t i = 0; i < w->n_views; i++) {
        nf_param_view *view = &w->views[i];
        view->struct_size = sizeof *view;
        const nf_status status = nf_flow_param(w->flow, i, view);
        if (status) return status;
        nfi_entry entry = { view->name, w->flow->dtype, view->rank, { 0 }, (const char *)w->flow->theta + view->offset * w->flow->size };
        memcpy(entry.shape, view->shape, sizeof entry.shape);
        model_add(w, entry);
    }
    return NF_OK;
}

static nf_status model_add_extras(struct model_writer *w)
{
    for (int64_t i = 0; i < w->parts->n_extras; i++) {
        const nfi_extra *extra = &w->parts->extras[i];
        if (strncmp(extra->name, "optim.", 6) != 0 && strncmp(extra->name, "train.", 6) != 0)
            return nfi_fail(NF_ERR_ARG, "%s: the tensor %s is neither optim. nor train.", w->function, extra->name);
        model_add(w, (nfi_entry){ extra->name, extra->dtype, 1, { extra->count, 0, 0, 0 }, extra->data });
    }
    return NF_OK;
}

/* Header */

static void model_meta_checked(struct model_writer *w, const char *key, const char *checksum_key, const nfi_text *text)
{
    char checksum[16];

    if (w->header.status || text->status) {
        if (!w->header.status) w->header.status = text->status;
        return;
    }
    nfi_writer_meta(&w->header, key, text->data);
    nfi_model_checksum_text(nfi_crc32c(0, text->data, text->size), checksum);
    nfi_writer_meta(&w->header, checksum_key, checksum);
}

static void model_write_number(nfi_text *text, double value)
{
    if (isfinite(value))
        nfi_text_real(text, value);
    else
        nfi_text_quoted(text, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

static void model_write_state(nfi_text *text, const nfi_state *state, int64_t n)
{
    nfi_text_raw(text, "{");
    for (int64_t i = 0; i < n; i++) {
        nfi_text_key(text, state[i].key);
        if (state[i].integer)
            nfi_text_i64(text, *state[i].integer);
        else
            model_write_number(text, *state[i].number);
    }
    nfi_text_raw(text, "}");
}

static void model_write_texts(struct model_writer *w)
{
    nfi_text text = { .context = w->context };

    nfi_description_write(&text, w->flow);
    model_meta_checked(w, NFI_META_DESCRIPTION, NFI_META_DESCRIPTION_CHECKSUM, &text);
    nfi_text_free(&text);
    if (!w->parts->checkpoint || w->header.status) return;
    model_write_state(&text, w->parts->state, w->parts->n_state);
    model_meta_checked(w, NFI_META_CHECKPOINT, NFI_META_CHECKPOINT_CHECKSUM, &text);
    nfi_text_free(&text);
}

static nf_status model_write_header(struct model_writer *w)
{
    char text[64];
    nf_status status;

    w->header.context = w->context;
    nfi_writer_begin(&w->header);
    nfi_writer_meta(&w->header, NFI_META_FORMAT, NFI_MODEL_FORMAT);
    (void)snprintf(text, sizeof text, "libnflow %s", nf_version());
    nfi_writer_meta(&w->header, NFI_META_PRODUCER, text);
    model_write_texts(w);
    nfi_model_checksum_text(nfi_writer_checksum(w->entries, w->n_entries), text);
    nfi_writer_meta(&w->header, NFI_META_CHECKSUM, text);
    status = nfi_writer_finish(&w->header, w->entries, w->n_entries, &w->size);
    return status ? nfi_fail_in(status, "%s", w->function) : NF_OK;
}

static nf_status model_prepare(struct model_writer *w)
{
    nf_status status = model_check_parameters(w);

    if (status) return status;
    w->n_views = nfi_model_views(w->flow);
    w->capacity = w->n_views + w->parts->n_extras + 3;
    if (w->capacity > NFI_MAX_TENSORS)
        return nfi_fail(NF_ERR_LIMIT, "%s: %lld tensors, allowed are %d", w->function, (long long)w->capacity, NFI_MAX_TENSORS);
    w->views = nfi_alloc(w->context, w->n_views, sizeof *w->views, &status);
    if (w->views) w->entries = nfi_alloc(w->context, w->capacity, sizeof *w->entries, &status);
    if (!status) status = model_add_views(w);
    if (!status) status = model_add_rows(w);
    if (!status) status = model_add_extras(w);
    return status ? status : model_write_header(w);
}

/* The reader's own validator has the last word. */
static nf_status model_emit(const struct model_writer *w, void **bytes)
{
    nfi_container container;
    nf_status status;

    *bytes = nfi_alloc(w->context, w->size, 1, &status);
    if (!*bytes) return status;
    nfi_writer_emit(&w->header, w->entries, w->n_entries, *bytes);
    status = nfi_container_open(&container, w->context, *bytes, w->size, w->function);
    if (!status) nfi_container_close(&container);
    if (!status) return NF_OK;
    nfi_free(w->context, *bytes, w->size, 1);
    *bytes = NULL;
    return status;
}

static void model_writer_free(struct model_writer *w)
{
    nfi_free(w->context, w->views, w->n_views, sizeof *w->views);
    nfi_free(w->context, w->entries, w->capacity, sizeof *w->entries);
    nfi_free(w->context, w->x, NFI_SELFTEST_ROWS * w->flow->dim, w->flow->size);
    nfi_free(w->context, w->cond, NFI_SELFTEST_ROWS * w->flow->cond_dim, w->flow->size);
    nfi_free(w->context, w->log_prob, NFI_SELFTEST_ROWS, sizeof *w->log_prob);
    nfi_text_free(&w->header);
}

nf_status nfi_model_bytes(const nf_flow *flow, const nfi_model_parts *parts, void **bytes, int64_t *size, const char *function)
{
    const nfi_model_parts none = { 0 };
    struct model_writer w = { .context = flow->object.context, .flow = flow, .parts = parts ? parts : &none, .function = function };
    const uint64_t fpenv = nfi_fpenv_enter();
    nf_status status = model_prepare(&w);

    *size = status ? 0 : w.size;
    if (bytes) *bytes = NULL;
    if (!status && bytes) status = model_emit(&w, bytes);
    model_writer_free(&w);
    nfi_fpenv_leave(fpenv);
    return status;
}

nf_status nfi_model_save(const nfi_io_ops *ops, const nf_flow *flow, const nfi_model_parts *parts, const char *path, const char *function)
{
    nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, function, "flow");
    nf_context *context;
    void *bytes;
    int64_t size;

    if (status) return status;
    if (!path) return nfi_fail(NF_ERR_NULL, "%s: path is NULL", function);
    context = flow->object.context;
    if ((status = nfi_model_bytes(flow, parts, &bytes, &size, function))) return status;
    status = nfi_file_replace(ops, context, path, bytes, size, function);
    nfi_free(context, bytes, size, 1);
    return status;
}

#define CHECKPOINT_PREVIOUS ".previous"

/* Keeps the checkpoint that stands at path under another name, copied rather than renamed: path holds one at every moment. Best
 * effort: where it cannot be done, the new one is still written. */
static void checkpoint_keep(const nf_flow *flow, const char *path)
{
    nf_context *context = flow->object.context;
    const int64_t length = (int64_t)strlen(path), size = length + (int64_t)sizeof CHECKPOINT_PREVIOUS;
    char *previous = nfi_alloc(context, size, 1, NULL);
    int64_t bytes = 0;
    void *data = NULL;

    if (!previous) return;
    memcpy(previous, path, (size_t)length);
    memcpy(previous + length, CHECKPOINT_PREVIOUS, sizeof CHECKPOINT_PREVIOUS);
    if (nfi_file_read(&nfi_io_system, context, path, nfi_context_config(context)->max_file_bytes, &data, &bytes, "checkpoint") == NF_OK) {
        (void)nfi_file_replace(&nfi_io_system, context, previous, data, bytes, "checkpoint");
        nfi_free(context, data, bytes, 1);
    }
    nfi_free(context, previous, size, 1);
}

nf_status nfi_checkpoint_save(const nf_flow *flow, const char *path, const nfi_extra *extras, int64_t n_extras, const nfi_state *state,
                              int64_t n_state)
{
    const nfi_model_parts parts = { extras, n_extras, state, n_state, true };

    checkpoint_keep(flow, path);
    return nfi_model_save(&nfi_io_system, flow, &parts, path, "checkpoint");
}

/* Public calls */

nf_status nf_flow_save(const nf_flow *flow, const char *path)
{
    return nfi_model_save(&nfi_io_system, flow, NULL, path, "nf_flow_save");
}

nf_status nf_flow_save_memory(const nf_flow *flow, void *buffer, int64_t capacity, int64_t *size)
{
    nf_status status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_save_memory: flow");
    void *bytes = NULL;
    int64_t length;

    if (status) return status;
    if (!size) return nfi_fail(NF_ERR_NULL, "nf_flow_save_memory: size is NULL");
    if ((status = nfi_model_bytes(flow, NULL, buffer ? &bytes : NULL, &length, "nf_flow_save_memory"))) return status;
    *size = length;
    if (buffer && capacity < length)
        status = nfi_fail(NF_ERR_SHAPE, "nf_flow_save_memory: capacity is %lld, the file has %lld bytes", (long long)capacity,
                          (long long)length);
    else if (buffer)
        memcpy(buffer, bytes, (size_t)length);
    nfi_free(flow->object.context, bytes, length, 1);
    return status;
}
