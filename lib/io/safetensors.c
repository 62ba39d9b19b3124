/* SPDX-License-Identifier: MIT
 *
 * safetensors.c - the container of model files: named tensors behind a JSON header
 *
 * The reader trusts nothing: every size is computed with checks and compared with the bytes present before memory is spent.
 * The state of the bounds check is one number, the end of the last tensor: each must begin there.
 */
#include "io/safetensors.h"

#include <string.h>

#include "core/status.h"
#include "io/crc32c.h"

/* Types of the format. */
static const struct container_dtype {
    const char *name;
    int64_t width;
    int32_t dtype;
} container_dtypes[] = {
    { "F32", 4, NF_F32 },          { "F64", 8, NF_F64 },          { "I64", 8, NFI_DTYPE_I64 },
    { "BOOL", 1, NFI_DTYPE_OTHER }, { "U8", 1, NFI_DTYPE_OTHER },  { "I8", 1, NFI_DTYPE_OTHER },
    { "U16", 2, NFI_DTYPE_OTHER },  { "I16", 2, NFI_DTYPE_OTHER }, { "F16", 2, NFI_DTYPE_OTHER },
    { "BF16", 2, NFI_DTYPE_OTHER }, { "U32", 4, NFI_DTYPE_OTHER }, { "I32", 4, NFI_DTYPE_OTHER },
    { "U64", 8, NFI_DTYPE_OTHER },
};
#define CONTAINER_DTYPES ((int)(sizeof container_dtypes / sizeof *container_dtypes))

static const struct container_dtype *container_dtype_named(const char *name)
{
    for (int i = 0; name && i < CONTAINER_DTYPES; i++)
        if (strcmp(container_dtypes[i].name, name) == 0) return &container_dtypes[i];
    return NULL;
}

static const struct container_dtype *container_dtype_of(int32_t dtype)
{
    for (int i = 0; i < CONTAINER_DTYPES; i++)
        if (container_dtypes[i].dtype == dtype) return &container_dtypes[i];
    return &container_dtypes[0];
}

int64_t nfi_dtype_width(int32_t dtype) { return container_dtype_of(dtype)->width; }

void nfi_tensor_copy(void *to, const void *from, int64_t count, int64_t width)
{
    const uint16_t one = 1;
    unsigned char *out = to;
    const unsigned char *in = from;

    if (count <= 0) return;
    if (*(const unsigned char *)&one == 1) {
        memcpy(to, from, (size_t)(count * width));
        return;
    }
    for (int64_t i = 0; i < count; i++)
        for (int64_t b = 0; b < width; b++) out[i * width + b] = in[i * width + width - 1 - b];
}

/* Reader */

static nf_status container_bad(const char *function, const char *name, const char *fault)
{
    char shown[65];

    return nfi_fail(NF_ERR_FORMAT, "%s: tensor \"%s\" %s", function, nfi_printable(name, shown), fault);
}

static bool container_name_ok(const char *name)
{
    const size_t length = strlen(name);

    if (length == 0 || length > NFI_TENSOR_MAX_NAME) return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return true;
}

static nf_status container_read_shape(nfi_tensor *tensor, const json_t *shape, const char *function)
{
    const size_t rank = json_array_size(shape);

    if (!json_is_array(shape) || rank > NFI_TENSOR_MAX_RANK) return container_bad(function, tensor->name, "has no shape of rank 0 to 8");
    tensor->rank = (int32_t)rank;
    tensor->count = 1;
    for (size_t i = 0; i < rank; i++) {
        const json_t *extent = json_array_get(shape, i);
        const int64_t size = json_integer_value(extent);
        if (!json_is_integer(extent) || size < 0 || !nfi_mul(tensor->count, size, &tensor->count))
            return container_bad(function, tensor->name, "has a shape that is not allowed");
        tensor->shape[i] = size;
    }
    return NF_OK;
}

/* The tensor must begin at `end` and fit. */
static nf_status container_read_offsets(nfi_container *container, nfi_tensor *tensor, const json_t *offsets, int64_t *end, const char *function)
{
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    int64_t next;

    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return container_bad(function, tensor->name, "has no data_offsets [begin, end]");
    if (json_integer_value(first) != *end) return container_bad(function, tensor->name, "does not begin where the one before it ends");
    if (!nfi_add(*end, tensor->bytes, &next) || json_integer_value(last) != next)
        return container_bad(function, tensor->name, "has data_offsets that differ from its size");
    if (next > container->payload_size) return container_bad(function, tensor->name, "ends past the end of the file");
    tensor->data = container->payload + *end;
    *end = next;
    return NF_OK;
}

static nf_status container_read_tensor(nfi_container *container, nfi_tensor *tensor, const json_t *object, int64_t *end, const char *function)
{
    const struct container_dtype *dtype = container_dtype_named(json_string_value(json_object_get(object, "dtype")));
    nf_status status;

    if (!container_name_ok(tensor->name)) return container_bad(function, tensor->name, "has a name that is not allowed");
    if (json_object_size(object) != 3) return container_bad(function, tensor->name, "has not exactly dtype, shape and data_offsets");
    if (!dtype) return container_bad(function, tensor->name, "has no known dtype");
    tensor->dtype = dtype->dtype;
    if ((status = container_read_shape(tensor, json_object_get(object, "shape"), function))) return status;
    if (!nfi_mul(tensor->count, dtype->width, &tensor->bytes)) return container_bad(function, tensor->name, "is too large");
    return container_read_offsets(container, tensor, json_object_get(object, "data_offsets"), end, function);
}

static nf_status container_check_meta(const json_t *header, const char *function)
{
    json_t *meta = json_object_get(header, "__metadata__"), *value;
    const char *key;

    if (!meta) return NF_OK;
    if (!json_is_object(meta)) return nfi_fail(NF_ERR_FORMAT, "%s: __metadata__ is not an object", function);
    json_object_foreach(meta, key, value)
        if (!json_is_string(value)) return nfi_fail(NF_ERR_FORMAT, "%s: a value of __metadata__ is not a string", function);
    return NF_OK;
}

static nf_status container_read_tensors(nfi_container *container, const char *function)
{
    int64_t end = 0;
    const char *name;
    json_t *object;

    for (void *at = json_object_iter(container->header); at; at = json_object_iter_next(container->header, at)) {
        nfi_tensor *tensor = &container->tensors[container->n_tensors];
        name = json_object_iter_key(at);
        object = json_object_iter_value(at);
        if (strcmp(name, "__metadata__") == 0) continue;
        tensor->name = name;
        const nf_status status = container_read_tensor(container, tensor, object, &end, function);
        if (status) return status;
        if (json_object_iter_set_new(container->header, at, json_integer(container->n_tensors)))
            return nfi_fail(NF_ERR_MEMORY, "%s: out of memory", function);
        container->n_tensors++;
    }
    if (end == container->payload_size) return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: the tensors have %lld bytes, the file holds %lld", function, (long long)end,
                    (long long)container->payload_size);
}

/* Bytes of the header, -1: not plausible (recorded). */
static int64_t container_header_size(const unsigned char *bytes, int64_t size, nf_status *status, const char *function)
{
    uint64_t n = 0;

    *status = NF_ERR_FORMAT;
    if (size < 8) return *status = nfi_fail(NF_ERR_FORMAT, "%s: %lld bytes are too few for a model file", function, (long long)size), -1;
    for (int i = 7; i >= 0; i--) n = n << 8 | bytes[i];
    if (n > (uint64_t)(size - 8))
        return *status = nfi_fail(NF_ERR_FORMAT, "%s: not a model file, or cut short: the header would have %llu bytes, the file has %lld",
                                  function, (unsigned long long)n, (long long)size), -1;
    if (n > NFI_JSON_MAX_BYTES)
        return *status = nfi_fail(NF_ERR_LIMIT, "%s: the header has %llu bytes, allowed are %d", function, (unsigned long long)n, NFI_JSON_MAX_BYTES), -1;
    if (n < 2 || bytes[8] != '{') return *status = nfi_fail(NF_ERR_FORMAT, "%s: the header does not begin with {", function), -1;
    *status = NF_OK;
    return (int64_t)n;
}

static nf_status container_fill(nfi_container *container, const char *function)
{
    const int64_t most = (int64_t)json_object_size(container->header);
    nf_status status = container_check_meta(container->header, function);

    if (status) return status;
    if (most > NFI_MAX_TENSORS + 1)
        return nfi_fail(NF_ERR_LIMIT, "%s: %lld tensors, allowed are %d", function, (long long)most, NFI_MAX_TENSORS);
    container->tensors = nfi_alloc(container->context, most, sizeof *container->tensors, &status);
    return status ? status : container_read_tensors(container, function);
}

nf_status nfi_container_open(nfi_container *container, nf_context *context, const void *bytes, int64_t size, const char *function)
{
    nf_status status;
    int64_t header;

    *container = (nfi_container){ .context = context };
    header = container_header_size(bytes, size, &status, function);
    if (status) return status;
    container->payload = (const unsigned char *)bytes + 8 + header;
    container->payload_size = size - 8 - header;
    status = nfi_json_parse(&container->header, context, (const char *)bytes + 8, header, function);
    if (!status) status = container_fill(container, function);
    if (status) nfi_container_close(container);
    return status;
}

void nfi_container_close(nfi_container *container)
{
    nfi_free(container->context, container->tensors, (int64_t)json_object_size(container->header), sizeof *container->tensors);
    json_decref(container->header);
    *container = (nfi_container){ .context = container->context };
}

const nfi_tensor *nfi_container_find(const nfi_container *container, const char *name)
{
    const json_t *index = json_object_get(container->header, name);

    return json_is_integer(index) ? &container->tensors[json_integer_value(index)] : NULL;
}

const char *nfi_container_meta(const nfi_container *container, const char *key)
{
    return json_string_value(json_object_get(json_object_get(container->header, "__metadata__"), key));
}

/* Writer */

static int64_t writer_count(const nfi_entry *entry)
{
    int64_t count = 1;

    for (int32_t k = 0; k < entry->rank; k++) count *= entry->shape[k]; /* of memory that exists: no overflow */
    return count;
}

/* Entry number `i` in the order of the file: first the 8-byte types, then the 4-byte ones. */
static const nfi_entry *writer_next(const nfi_entry *entries, int64_t n, int64_t *i)
{
    for (; *i < 2 * n; (*i)++) {
        const nfi_entry *entry = &entries[*i % n];
        if (nfi_dtype_width(entry->dtype) == (*i < n ? 8 : 4)) return (*i)++, entry;
    }
    return NULL;
}

void nfi_writer_begin(nfi_text *header) { nfi_text_raw(header, "{\"__metadata__\":{"); }

void nfi_writer_meta(nfi_text *header, const char *key, const char *value)
{
    nfi_text_key(header, key);
    nfi_text_quoted(header, value);
}

static void writer_entry(nfi_text *header, const nfi_entry *entry, int64_t begin, int64_t end)
{
    nfi_text_key(header, entry->name);
    nfi_text_raw(header, "{\"dtype\":");
    nfi_text_quoted(header, container_dtype_of(entry->dtype)->name);
    nfi_text_raw(header, ",\"shape\":[");
    for (int32_t k = 0; k < entry->rank; k++) {
        nfi_text_separate(header);
        nfi_text_i64(header, entry->shape[k]);
    }
    nfi_text_raw(header, "],\"data_offsets\":[");
    nfi_text_i64(header, begin);
    nfi_text_raw(header, ",");
    nfi_text_i64(header, end);
    nfi_text_raw(header, "]}");
}

nf_status nfi_writer_finish(nfi_text *header, const nfi_entry *entries, int64_t n_entries, int64_t *file_size)
{
    const nfi_entry *entry;
    int64_t begin = 0, bytes, end;

    nfi_text_raw(header, "}");
    for (int64_t i = 0; (entry = writer_next(entries, n_entries, &i)); begin = end) {
        if (!nfi_mul(writer_count(entry), nfi_dtype_width(entry->dtype), &bytes) || !nfi_add(begin, bytes, &end))
            return nfi_fail(NF_ERR_OVERFLOW, "the tensors are too large to compute");
        writer_entry(header, entry, begin, end);
    }
    nfi_text_raw(header, "}");
    while (!header->status && (8 + header->size) % NFI_ALIGN) nfi_text_raw(header, " ");
    if (header->status) return header->status;
    if (header->size > NFI_JSON_MAX_BYTES)
        return nfi_fail(NF_ERR_LIMIT, "the header would have %lld bytes, allowed are %d", (long long)header->size, NFI_JSON_MAX_BYTES);
    *file_size = 8 + header->size;
    return nfi_add(*file_size, begin, file_size) ? NF_OK : nfi_fail(NF_ERR_OVERFLOW, "the file is too large to compute");
}

/* Bytes of an entry as the file holds them, a piece at a time. */
static uint32_t writer_crc_entry(uint32_t crc, const nfi_entry *entry)
{
    const int64_t width = nfi_dtype_width(entry->dtype), count = writer_count(entry);
    unsigned char piece[1024];

    for (int64_t i = 0, n; i < count; i += n) {
        n = nfi_min(count - i, (int64_t)sizeof piece / width);
        nfi_tensor_copy(piece, (const char *)entry->data + i * width, n, width);
        crc = nfi_crc32c(crc, piece, n * width);
    }
    return crc;
}

uint32_t nfi_writer_checksum(const nfi_entry *entries, int64_t n_entries)
{
    const nfi_entry *entry;
    uint32_t crc = 0;

    for (int64_t i = 0; (entry = writer_next(entries, n_entries, &i));) crc = writer_crc_entry(crc, entry);
    return crc;
}

void nfi_writer_emit(const nfi_text *header, const nfi_entry *entries, int64_t n_entries, void *buffer)
{
    unsigned char *out = buffer;
    const nfi_entry *entry;

    for (int i = 0; i < 8; i++) *out++ = (unsigned char)((uint64_t)header->size >> (8 * i) & 0xffu);
    memcpy(out, header->data, (size_t)header->size);
    out += header->size;
    for (int64_t i = 0; (entry = writer_next(entries, n_entries, &i));) {
        const int64_t width = nfi_dtype_width(entry->dtype), count = writer_count(entry);
        nfi_tensor_copy(out, entry->data, count, width);
        out += count * width;
    }
}
