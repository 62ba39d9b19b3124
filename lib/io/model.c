/* SPDX-License-Identifier: MIT
 *
 * model.c - a flow from the bytes of a model file
 *
 * Order of trust: the container's layout, the checksums, the description against the number of parameters in the file, and only
 * then the memory of a flow; at last the values.
 */
#include "io/model.h"

#include <math.h>
#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"
#include "flow/rows.h"
#include "io/crc32c.h"
#include "io/description.h"
#include <nflow/model.h>

#define MODEL_FREE_COLUMNS 4096 /* columns that a description may have whatever the size of its file: 16 bytes each at most */
#define MODEL_IMAGE_SHARE 16 /* numbers of images a byte: self-test rows take 64 bytes a number, and layers of images are up to a thousand */
#define MODEL_MAX_ROWS 65536     /* self-test rows */

/* A file, read and validated as far as it goes without a flow. */
struct model_file {
    nf_context *context;
    const char *function;
    void *owned; /* bytes of a path */
    const void *bytes;
    int64_t size;
    nfi_container container;
    const char *description;
};

static nf_status model_check_crc(const struct model_file *file, const char *key, const void *bytes, int64_t size)
{
    const char *stored = nfi_container_meta(&file->container, key);
    char computed[16];

    if (!stored) return nfi_fail(NF_ERR_FORMAT, "%s: the file has no %s", file->function, key);
    nfi_model_checksum_text(nfi_crc32c(0, bytes, size), computed);
    if (strcmp(stored, computed) == 0) return NF_OK;
    return nfi_fail(NF_ERR_CORRUPT, "%s: the file is damaged: %s does not fit its bytes, %s", file->function, key, computed);
}

static nf_status model_check_meta(struct model_file *file)
{
    const char *format = nfi_container_meta(&file->container, NFI_META_FORMAT);
    char shown[65];
    nf_status status;

    if (!format) return nfi_fail(NF_ERR_FORMAT, "%s: not a model file: no " NFI_META_FORMAT, file->function);
    if (strcmp(format, NFI_MODEL_FORMAT) != 0)
        return nfi_fail(NF_ERR_VERSION, "%s: the file is of format \"%s\", this library knows " NFI_MODEL_FORMAT, file->function,
                        nfi_printable(format, shown));
    status = model_check_crc(file, NFI_META_CHECKSUM, file->container.payload, file->container.payload_size);
    if (status) return status;
    file->description = nfi_container_meta(&file->container, NFI_META_DESCRIPTION);
    if (!file->description) return nfi_fail(NF_ERR_FORMAT, "%s: the file has no " NFI_META_DESCRIPTION, file->function);
    return model_check_crc(file, NFI_META_DESCRIPTION_CHECKSUM, file->description, (int64_t)strlen(file->description));
}

static void model_file_close(struct model_file *file)
{
    nfi_container_close(&file->container);
    nfi_free(file->context, file->owned, file->size, 1);
}

/* `bytes` NULL: those of `path`. */
static nf_status model_file_open(struct model_file *file, nf_context *context, const char *path, const void *bytes, int64_t size,
                                 const char *function)
{
    const int64_t most = nfi_context_config(context)->max_file_bytes;
    nf_status status = NF_OK;

    *file = (struct model_file){ .context = context, .function = function, .bytes = bytes, .size = size };
    file->container.context = context;
    if (!bytes) {
        status = nfi_file_read(&nfi_io_system, context, path, most, &file->owned, &file->size, function);
        file->bytes = file->owned;
    } else if (size > most) {
        status = nfi_fail(NF_ERR_LIMIT, "%s: %lld bytes, the context allows %lld", function, (long long)size, (long long)most);
    }
    if (!status) status = nfi_container_open(&file->container, context, file->bytes, file->size, function);
    if (!status) status = model_check_meta(file);
    if (status) model_file_close(file);
    return status;
}

/* Tensors */

static bool model_is_ignored(const char *name) { return strncmp(name, "optim.", 6) == 0 || strncmp(name, "train.", 6) == 0; }
static bool model_is_selftest(const char *name) { return strncmp(name, "selftest.", 9) == 0; }

static int64_t model_count_parameters(const struct model_file *file)
{
    int64_t n = 0;

    for (int64_t i = 0; i < file->container.n_tensors; i++) {
        const nfi_tensor *tensor = &file->container.tensors[i];
        if (!model_is_ignored(tensor->name) && !model_is_selftest(tensor->name)) n += tensor->count; /* within the file: no overflow */
    }
    return n;
}

static bool model_shape_is(const nfi_tensor *tensor, int32_t dtype, int32_t rank, const int64_t *shape)
{
    if (tensor->dtype != dtype || tensor->rank != rank) return false;
    for (int32_t k = 0; k < rank; k++)
        if (tensor->shape[k] != shape[k]) return false;
    return true;
}

/* Copies the flow's tensors to theta; *n_found of them. */
static nf_status model_read_theta(const struct model_file *file, const nf_flow *flow, void *theta, int64_t *n_found)
{
    const int64_t n = nfi_model_views(flow);
    nf_param_view view = { .struct_size = sizeof view };
    nf_status status;

    for (int64_t i = 0; i < n; i++) {
        if ((status = nf_flow_param(flow, i, &view))) return status;
        const nfi_tensor *tensor = nfi_container_find(&file->container, view.name);
        if (!tensor) return nfi_fail(NF_ERR_FORMAT, "%s: the file has no tensor %s", file->function, view.name);
        if (!model_shape_is(tensor, flow->dtype, view.rank, view.shape))
            return nfi_fail(NF_ERR_FORMAT, "%s: tensor %s has not the dtype and shape of the description", file->function, view.name);
        nfi_tensor_copy((char *)theta + view.offset * flow->size, tensor->data, view.count, flow->size);
    }
    *n_found = n;
    return NF_OK;
}

static nf_status model_check_theta(const struct model_file *file, const nf_flow *flow, const void *theta)
{
    char name[96];
    const int64_t bad = nfi_model_bad_parameter(flow, theta, name);

    if (bad < 0) return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: element %lld of %s has a value that is not allowed", file->function, (long long)bad, name);
}

/* Self-test rows of the file, 0: none. */
static nf_status model_selftest(const struct model_file *file, const nf_flow *flow, int64_t *rows, int64_t *n_found)
{
    const nfi_tensor *x = nfi_container_find(&file->container, "selftest.x");
    const nfi_tensor *cond = nfi_container_find(&file->container, "selftest.cond");
    const nfi_tensor *log_prob = nfi_container_find(&file->container, "selftest.log_prob");
    const int64_t n = x && x->rank == 2 ? x->shape[0] : 0;

    *rows = *n_found = 0;
    if (!x && !cond && !log_prob) return NF_OK;
    if (!x || !log_prob || n < 1 || n > MODEL_MAX_ROWS || !cond != !flow->cond_dim ||
        !model_shape_is(x, flow->dtype, 2, (const int64_t[]){ n, flow->dim }) ||
        !model_shape_is(log_prob, NF_F64, 1, (const int64_t[]){ n }) ||
        (cond && !model_shape_is(cond, flow->dtype, 2, (const int64_t[]){ n, flow->cond_dim })))
        return nfi_fail(NF_ERR_FORMAT, "%s: the self-test rows do not fit the description", file->function);
    *rows = n;
    *n_found = cond ? 3 : 2;
    return NF_OK;
}

/* Every tensor is the flow's, a self-test row or of the kind that is ignored. */
static nf_status model_check_set(const struct model_file *file, int64_t known)
{
    int64_t ignored = 0;

    for (int64_t i = 0; i < file->container.n_tensors; i++) ignored += model_is_ignored(file->container.tensors[i].name);
    if (known + ignored == file->container.n_tensors) return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: %lld tensors are not of this description", file->function,
                    (long long)(file->container.n_tensors - known - ignored));
}

/* theta of `flow`, from the file, into `theta`: everything checked. */
static nf_status model_read(const struct model_file *file, const nf_flow *flow, void *theta, int64_t *rows)
{
    int64_t n_views = 0, n_rows = 0;
    nf_status status = model_read_theta(file, flow, theta, &n_views);

    if (!status) status = model_selftest(file, flow, rows, &n_rows);
    if (!status) status = model_check_set(file, n_views + n_rows);
    if (!status) status = model_check_theta(file, flow, theta);
    if (!status && (status = nfi_flow_check_theta(flow, theta))) status = nfi_fail_in(status, "%s", file->function);
    return status;
}

static nf_status model_load(nf_flow **out, const struct model_file *file, int64_t *rows)
{
    const nfi_description_limits limits = { model_count_parameters(file), MODEL_FREE_COLUMNS + file->size, MODEL_IMAGE_SHARE * (MODEL_FREE_COLUMNS + file->size), true };
    nf_status status = nfi_description_read(out, file->context, file->description, (int64_t)strlen(file->description), &limits,
                                            file->function);

    if (status) return status;
    status = model_read(file, *out, (*out)->theta, rows);
    if (!status) {
        nfi_flow_pack(*out);
        return NF_OK;
    }
    nf_flow_unref(*out);
    *out = NULL;
    return status;
}

static nf_status model_check_call(const void *out, const nf_context *context, const void *source, const char *function)
{
    if (!out) return nfi_fail(NF_ERR_NULL, "%s: out is NULL", function);
    if (!source) return nfi_fail(NF_ERR_NULL, "%s: nothing to read from, the argument is NULL", function);
    return nfi_context_check(context, function);
}

static nf_status model_load_any(nf_flow **out, nf_context *context, const char *path, const void *bytes, int64_t size, const char *function)
{
    struct model_file file;
    int64_t rows;
    nf_status status = model_file_open(&file, context, path, bytes, size, function);

    if (status) return status;
    const uint64_t fpenv = nfi_fpenv_enter();
    status = model_load(out, &file, &rows);
    nfi_fpenv_leave(fpenv);
    model_file_close(&file);
    return status;
}

/* Self-test */

static double model_bound(int32_t dtype) { return dtype == NF_F32 ? 1e-3 : 1e-9; }

/* max |computed - stored|; beyond the bound, relative above 1, the model is not what was saved. */
static nf_status model_compare_rows(const struct model_file *file, int32_t dtype, int64_t rows, const double *computed,
                                    const double *stored, double *max_error)
{
    int64_t bad = -1;

    *max_error = 0.0;
    for (int64_t i = 0; i < rows; i++) {
        const double error = fabs(computed[i] - stored[i]);
        if (!(error <= *max_error)) *max_error = error;
        if (bad < 0 && !(error <= model_bound(dtype) * (fabs(stored[i]) > 1.0 ? fabs(stored[i]) : 1.0))) bad = i;
    }
    if (bad < 0) return NF_OK;
    return nfi_fail(NF_ERR_CORRUPT, "%s: log_prob of self-test row %lld is %.17g, the file says %.17g", file->function, (long long)bad,
                    computed[bad], stored[bad]);
}

struct model_rows {
    void *x, *cond;
    double *stored, *computed;
};

static nf_status model_rows_read(const struct model_file *file, const nf_flow *flow, int64_t n, struct model_rows *rows)
{
    const nfi_tensor *x = nfi_container_find(&file->container, "selftest.x");
    const nfi_tensor *cond = nfi_container_find(&file->container, "selftest.cond");
    const nfi_tensor *log_prob = nfi_container_find(&file->container, "selftest.log_prob");
    nf_status status;

    rows->x = nfi_alloc(file->context, n * flow->dim, flow->size, &status);
    if (rows->x) rows->cond = nfi_alloc(file->context, n * flow->cond_dim, flow->size, &status);
    if (rows->cond) rows->stored = nfi_alloc(file->context, 2 * n, sizeof *rows->stored, &status);
    if (!rows->stored || !x || !log_prob) return status;
    rows->computed = rows->stored + n;
    nfi_tensor_copy(rows->x, x->data, n * flow->dim, flow->size);
    nfi_tensor_copy(rows->stored, log_prob->data, n, sizeof *rows->stored);
    if (cond) nfi_tensor_copy(rows->cond, cond->data, n * flow->cond_dim, flow->size);
    return NF_OK;
}

static nf_status model_rows_check(const struct model_file *file, const nf_flow *flow, int64_t n, double *max_error)
{
    struct model_rows rows = { 0 };
    nf_status status = model_rows_read(file, flow, n, &rows);

    if (!status) {
        const void *cond = flow->cond_dim ? rows.cond : NULL;
        status = flow->dtype == NF_F32 ? nf_flow_log_prob(flow, n, rows.x, cond, rows.computed)
                                       : nf_flow_log_prob_f64(flow, n, rows.x, cond, rows.computed);
    }
    if (status >= 0) status = model_compare_rows(file, flow->dtype, n, rows.computed, rows.stored, max_error);
    nfi_free(file->context, rows.x, n * flow->dim, flow->size);
    nfi_free(file->context, rows.cond, n * flow->cond_dim, flow->size);
    nfi_free(file->context, rows.stored, 2 * n, sizeof *rows.stored);
    return status;
}

static nf_status model_verify(const struct model_file *file, double *max_error, int64_t *rows)
{
    nf_flow *flow;
    nf_status status = model_load(&flow, file, rows);

    if (status) return status;
    if (*rows == 0)
        status = nfi_fail(NF_ERR_STATE, "%s: the file has no self-test rows", file->function);
    else
        status = model_rows_check(file, flow, *rows, max_error);
    nf_flow_unref(flow);
    return status;
}

/* Checkpoints */

static nf_status model_same_flow(const struct model_file *file, const nf_flow *flow)
{
    nfi_text text = { .context = file->context };
    nf_status status;

    nfi_description_write(&text, flow);
    status = text.status;
    if (!status && strcmp(text.data, file->description) != 0)
        status = nfi_fail(NF_ERR_FORMAT, "%s: the file is of a flow with another description", file->function);
    nfi_text_free(&text);
    return status;
}

static nf_status model_check_extras(const struct model_file *file, const nfi_extra *extras, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const nfi_tensor *tensor = nfi_container_find(&file->container, extras[i].name);
        if (!tensor) return nfi_fail(NF_ERR_FORMAT, "%s: the file has no tensor %s", file->function, extras[i].name);
        if (!model_shape_is(tensor, extras[i].dtype, 1, &extras[i].count))
            return nfi_fail(NF_ERR_FORMAT, "%s: tensor %s has not the dtype and the %lld elements of this run", file->function,
                            extras[i].name, (long long)extras[i].count);
    }
    return NF_OK;
}

static void model_read_extras(const struct model_file *file, const nfi_extra *extras, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const nfi_tensor *tensor = nfi_container_find(&file->container, extras[i].name);
        if (tensor) nfi_tensor_copy(extras[i].data, tensor->data, extras[i].count, nfi_dtype_width(extras[i].dtype));
    }
}

/* A number, or one that JSON has no digits for. */
static bool model_number(const json_t *value, double *out)
{
    const char *word = json_string_value(value);

    *out = json_number_value(value);
    if (!word) return json_is_number(value);
    if (strcmp(word, "nan") == 0) return *out = (double)NAN, true;
    if (strcmp(word, "inf") == 0) return *out = (double)INFINITY, true;
    if (strcmp(word, "-inf") == 0) return *out = -(double)INFINITY, true;
    return false;
}

/* commit: writes the values; else checks that it can. */
static nf_status model_read_state(const struct model_file *file, const json_t *root, const nfi_state *state, int64_t n, bool commit)
{
    for (int64_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(root, state[i].key);
        double number = 0.0;
        if (state[i].integer ? !json_is_integer(value) : !model_number(value, &number))
            return nfi_fail(NF_ERR_FORMAT, "%s: " NFI_META_CHECKPOINT " has no %s \"%s\"", file->function,
                            state[i].integer ? "integer" : "number", state[i].key);
        if (commit && state[i].integer) *state[i].integer = json_integer_value(value);
        if (commit && !state[i].integer) *state[i].number = number;
    }
    return NF_OK;
}

static nf_status model_parse_state(const struct model_file *file, json_t **root)
{
    const char *text = nfi_container_meta(&file->container, NFI_META_CHECKPOINT);
    nf_status status;

    *root = NULL;
    if (!text) return nfi_fail(NF_ERR_FORMAT, "%s: the file is a model, not a checkpoint", file->function);
    status = model_check_crc(file, NFI_META_CHECKPOINT_CHECKSUM, text, (int64_t)strlen(text));
    return status ? status : nfi_json_parse(root, file->context, text, (int64_t)strlen(text), file->function);
}

/* All that can fail, with theta staged; then the copies. */
static nf_status model_restore(const struct model_file *file, nf_flow *flow, void *theta, const nfi_model_parts *parts)
{
    json_t *root;
    int64_t rows;
    nf_status status = model_parse_state(file, &root);

    if (!status) status = model_read_state(file, root, parts->state, parts->n_state, false);
    if (!status) status = model_check_extras(file, parts->extras, parts->n_extras);
    if (!status) status = model_read(file, flow, theta, &rows);
    if (!status) {
        (void)model_read_state(file, root, parts->state, parts->n_state, true);
        model_read_extras(file, parts->extras, parts->n_extras);
        if (flow->count > 0) memcpy(flow->theta, theta, (size_t)(flow->count * flow->size));
        nfi_flow_pack(flow);
    }
    json_decref(root);
    return status;
}

nf_status nfi_checkpoint_load(nf_flow *flow, const char *path, nfi_extra *extras, int64_t n_extras, nfi_state *state, int64_t n_state)
{
    const nfi_model_parts parts = { extras, n_extras, state, n_state, true };
    nf_status status = nfi_object_check(flow, NFI_TAG_FLOW, "checkpoint: flow");
    struct model_file file;
    void *theta;

    if (status) return status;
    if (!path) return nfi_fail(NF_ERR_NULL, "checkpoint: path is NULL");
    if ((status = model_file_open(&file, flow->object.context, path, NULL, 0, "checkpoint"))) return status;
    status = model_same_flow(&file, flow);
    if (!status) {
        theta = nfi_alloc(file.context, flow->count, flow->size, &status);
        if (theta) status = model_restore(&file, flow, theta, &parts);
        nfi_free(file.context, theta, flow->count, flow->size);
    }
    model_file_close(&file);
    return status;
}

/* Public calls */

nf_status nf_flow_load(nf_flow **out, nf_context *context, const char *path)
{
    if (out) *out = NULL;
    const nf_status status = model_check_call(out, context, path, "nf_flow_load");

    return status ? status : model_load_any(out, context, path, NULL, 0, "nf_flow_load");
}

nf_status nf_flow_load_memory(nf_flow **out, nf_context *context, const void *bytes, int64_t size)
{
    if (out) *out = NULL;
    const nf_status status = model_check_call(out, context, bytes, "nf_flow_load_memory");

    if (status) return status;
    if (size < 0) return nfi_fail(NF_ERR_ARG, "nf_flow_load_memory: size is %lld", (long long)size);
    return model_load_any(out, context, NULL, bytes, size, "nf_flow_load_memory");
}

nf_status nf_flow_verify(nf_context *context, const char *path, double *max_error, int64_t *rows)
{
    struct model_file file;
    double error = (double)NAN;
    int64_t n = 0;
    nf_status status = path ? NF_OK : nfi_fail(NF_ERR_NULL, "nf_flow_verify: path is NULL");

    if (!status && context) status = nfi_object_check(context, NFI_TAG_CONTEXT, "nf_flow_verify: context");
    if (!status) status = model_file_open(&file, context, path, NULL, 0, "nf_flow_verify");
    if (status) return status;
    const uint64_t fpenv = nfi_fpenv_enter();
    status = model_verify(&file, &error, &n);
    nfi_fpenv_leave(fpenv);
    model_file_close(&file);
    if (max_error) *max_error = error;
    if (rows) *rows = n;
    return status;
}
