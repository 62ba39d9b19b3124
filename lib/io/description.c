/* SPDX-License-Identifier: MIT
 *
 * description.c - a flow from its description; description_write.c writes it
 *
 *   {"format":1, "dim":2, "cond_dim":0, "dtype":"f32", "seed":"7",
 *    "base":{"type":"normal", "version":1, "dim":2},
 *    "layers":[{"type":"affine", "version":1, "dim":2, "bound":7.0}, ...]}
 *
 * and where conditions pass through a stage, "condition":{"embed_dim":8, ...}, of the fields that describe it.
 *
 * Both directions walk the field tables of the configs: nothing here knows a layer. Written are the fields that make the
 * function what it is, not those that only chose initial parameters; read are both.
 */
#include "io/description.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fpenv.h"
#include "core/status.h"
#include <nflow/model.h>

struct description_reader {
    nf_context *context;
    nf_maker *maker;           /* configs and their arrays, until the layers have copies */
    const char *function;
    char where[96];            /* "nf_flow_load: layers[3]", for messages */
    int64_t parameters;        /* of the layers so far */
    nfi_description_limits limits;
};

/* Everything that is wrong with a text is its format, whatever the constructor that noticed calls it. */
static nf_status description_status(nf_status status)
{
    switch (status) {
    case NF_OK:
    case NF_ERR_MEMORY:
    case NF_ERR_LIMIT:
    case NF_ERR_VERSION:
    case NF_ERR_CALLBACK:
        return status;
    default:
        return NF_ERR_FORMAT;
    }
}

/* What a constructor answered: the line says where, unless it does already. */
static nf_status description_made(const struct description_reader *reader, nf_status status)
{
    if (status && !strstr(nf_last_error(), reader->where)) (void)nfi_fail_in(status, "%s", reader->where);
    return description_status(status);
}

static nf_status description_expected(const struct description_reader *reader, const char *key, const char *expected)
{
    return nfi_fail(NF_ERR_FORMAT, "%s.%s: expected is %s", reader->where, key, expected);
}

/* A u64 is a decimal string, or an integer. */
static bool description_u64(const json_t *value, uint64_t *out)
{
    const char *digits = json_string_value(value);

    *out = 0;
    if (json_is_integer(value)) {
        *out = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0;
    }
    if (!digits || !*digits) return false;
    for (; *digits; digits++) {
        const uint64_t digit = (uint64_t)*digits - '0';
        if (*digits < '0' || *digits > '9' || *out > (UINT64_MAX - digit) / 10) return false;
        *out = *out * 10 + digit;
    }
    return true;
}

/* Columns are what layers without parameters spend memory on: they must stay in proportion to the file. */
static nf_status description_count_columns(struct description_reader *reader, const char *key, int64_t value)
{
    if (reader->limits.columns < 0 || strcmp(key, "dim") != 0) return NF_OK;
    if (value > reader->limits.columns)
        return nfi_fail(NF_ERR_LIMIT, "%s.%s: %lld columns are too many for a file of this size", reader->where, key,
                        (long long)value);
    reader->limits.columns -= nfi_max(value, 0);
    return NF_OK;
}

static nf_status description_read_integer(struct description_reader *reader, const nf_field *field, const json_t *value, char *at)
{
    const int64_t number = json_integer_value(value);
    const int32_t narrow = (int32_t)number;

    if (!json_is_integer(value)) return description_expected(reader, field->name, "an integer");
    if (field->kind == NF_FIELD_I64) {
        memcpy(at, &number, sizeof number);
        return description_count_columns(reader, field->name, number);
    }
    if (number < INT32_MIN || number > INT32_MAX) return description_expected(reader, field->name, "an integer of 32 bits");
    memcpy(at, &narrow, sizeof narrow);
    return NF_OK;
}

static nf_status description_read_choice(struct description_reader *reader, const nf_field *field, const json_t *value, char *at)
{
    const int32_t choice = json_is_string(value) ? nfi_choice_value(field, json_string_value(value)) : 0;

    if (choice == 0)
        return nfi_fail(NF_ERR_FORMAT, "%s.%s: expected is one of %s", reader->where, field->name,
                        field->choices ? field->choices : "(none)");
    memcpy(at, &choice, sizeof choice);
    return NF_OK;
}

static nf_status description_read_flag(struct description_reader *reader, const nf_field *field, const json_t *value, char *at)
{
    const int64_t number = json_is_integer(value) ? json_integer_value(value) : json_is_true(value);
    const int32_t flag = number == 1;

    if ((!json_is_integer(value) && !json_is_boolean(value)) || number < 0 || number > 1)
        return description_expected(reader, field->name, "true or false");
    memcpy(at, &flag, sizeof flag);
    return NF_OK;
}

static nf_status description_read_u64(struct description_reader *reader, const nf_field *field, const json_t *value, char *at)
{
    uint64_t number;

    if (!description_u64(value, &number)) return description_expected(reader, field->name, "a number of 64 bits as a string");
    memcpy(at, &number, sizeof number);
    return NF_OK;
}

static nf_status description_read_f64(struct description_reader *reader, const nf_field *field, const json_t *value, char *at)
{
    const double number = json_number_value(value);

    if (!json_is_number(value)) return description_expected(reader, field->name, "a number");
    memcpy(at, &number, sizeof number);
    return NF_OK;
}

/* Borrowed from the tree: the constructor copies. */
static nf_status description_read_string(struct description_reader *reader, const nf_field *field, const json_t *value, char *at)
{
    const char *string = json_string_value(value);

    if (!string) return description_expected(reader, field->name, "a string");
    memcpy(at, &string, sizeof string);
    return NF_OK;
}

static nf_status description_read_array(struct description_reader *reader, const nf_field *field, const json_t *value, char *config)
{
    const int64_t count = (int64_t)json_array_size(value);
    const bool integers = field->kind == NF_FIELD_I64_ARRAY;
    char *items;

    if (!json_is_array(value)) return description_expected(reader, field->name, "an array");
    items = nfi_maker_alloc(reader->maker, count, 8);
    if (!items) return NF_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, (size_t)i);
        const int64_t integer = json_integer_value(item);
        const double real = json_number_value(item);
        if (integers ? !json_is_integer(item) : !json_is_number(item))
            return description_expected(reader, field->name, integers ? "an array of integers" : "an array of numbers");
        memcpy(items + 8 * i, integers ? (const void *)&integer : (const void *)&real, 8);
    }
    memcpy(config + field->offset, &items, sizeof items);
    memcpy(config + field->count_offset, &count, sizeof count);
    return NF_OK;
}

static nf_status description_read_field(struct description_reader *reader, const nf_field *field, const json_t *value, char *config)
{
    char *at = config + field->offset;

    switch (field->kind) {
    case NF_FIELD_I32:
    case NF_FIELD_I64: return description_read_integer(reader, field, value, at);
    case NF_FIELD_U64: return description_read_u64(reader, field, value, at);
    case NF_FIELD_F64: return description_read_f64(reader, field, value, at);
    case NF_FIELD_CHOICE: return description_read_choice(reader, field, value, at);
    case NF_FIELD_FLAG: return description_read_flag(reader, field, value, at);
    case NF_FIELD_STRING: return description_read_string(reader, field, value, at);
    default: return description_read_array(reader, field, value, config);
    }
}

static const nf_field *description_find_field(const nf_field *fields, int32_t n_fields, const char *key)
{
    for (int32_t i = 0; i < n_fields; i++)
        if (fields[i].kind != NF_FIELD_POINTER && strcmp(fields[i].name, key) == 0) return &fields[i];
    return NULL;
}

static nf_status description_unknown_key(const struct description_reader *reader, const char *key)
{
    char shown[65];

    return nfi_fail(NF_ERR_FORMAT, "%s.%s: no such key", reader->where, nfi_printable(key, shown));
}

/* Layers of images keep maps of their pixels, which no parameter in the file pays for. */
static nf_status description_count_image(struct description_reader *reader, const nf_field *fields, int32_t n_fields, const char *config)
{
    static const char *const sides[] = { "height", "width", "channels" };
    int64_t numbers = 1, value = 0;

    if (reader->limits.images < 0) return NF_OK;
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const nf_field *field = description_find_field(fields, n_fields, sides[i]);
        if (!field || field->kind != NF_FIELD_I64) return NF_OK;
        memcpy(&value, config + field->offset, sizeof value);
        if (!nfi_mul(numbers, value, &numbers)) numbers = value < 0 ? 0 : INT64_MAX; /* below 0: the constructor says so */
    }
    if (numbers > reader->limits.images)
        return nfi_fail(NF_ERR_LIMIT, "%s: height x width x channels is too large an image for a file of this size", reader->where);
    reader->limits.images -= numbers;
    return NF_OK;
}

/* A config of `size` bytes from the keys of an object. */
static nf_status description_read_config(struct description_reader *reader, json_t *object, uint32_t size, const nf_field *fields,
                                         int32_t n_fields, void **out)
{
    char *config = nfi_maker_alloc(reader->maker, 1, size);
    nf_status status = NF_OK;
    const char *key;
    json_t *value;

    if (!config) return NF_ERR_MEMORY;
    memcpy(config, &size, sizeof size);
    json_object_foreach(object, key, value) {
        const nf_field *field = description_find_field(fields, n_fields, key);
        if (strcmp(key, "type") == 0 || strcmp(key, "version") == 0) continue;
        if (!field) return description_unknown_key(reader, key);
        if ((status = description_read_field(reader, field, value, config))) return status;
    }
    *out = config;
    return description_count_image(reader, fields, n_fields, config);
}

static nf_status description_check_version(const struct description_reader *reader, const json_t *object, const char *type, uint32_t known)
{
    const json_t *value = json_object_get(object, "version");
    const int64_t version = value ? json_integer_value(value) : 1;

    if ((value && !json_is_integer(value)) || version < 1) return description_expected(reader, "version", "an integer from 1");
    if (version > known)
        return nfi_fail(NF_ERR_VERSION, "%s.version: %s is of version %lld, this library knows %lu", reader->where, type,
                        (long long)version, (unsigned long)known);
    return NF_OK;
}

/* The type's name of a part, NULL: recorded. */
static const char *description_type(const struct description_reader *reader, const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));

    if (!type) (void)description_expected(reader, "type", "the name of a type");
    return type;
}

static nf_status description_unknown_type(const struct description_reader *reader, const char *type, const char *advice)
{
    char shown[65];

    return nfi_fail(NF_ERR_VERSION, "%s.type: \"%s\" is not known: %s", reader->where, nfi_printable(type, shown), advice);
}

static void description_enter(struct description_reader *reader, const char *part, int64_t index)
{
    if (index < 0)
        (void)snprintf(reader->where, sizeof reader->where, "%.48s: %s", reader->function, part);
    else
        (void)snprintf(reader->where, sizeof reader->where, "%.48s: %s[%lld]", reader->function, part, (long long)index);
}

static nf_status description_count_parameters(struct description_reader *reader, int64_t more)
{
    if (nfi_add(reader->parameters, more, &reader->parameters) &&
        (reader->limits.parameters < 0 || reader->parameters <= reader->limits.parameters))
        return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s: the description wants more parameters than the tensors hold, %lld", reader->where,
                    (long long)reader->limits.parameters);
}

static nf_status description_read_layer(struct description_reader *reader, json_t *object, nf_layer **out)
{
    const char *name = description_type(reader, object);
    const nf_layer_type *type = name ? nfi_layer_type_find(reader->context, name) : NULL;
    void *config = NULL;
    nf_status status;

    if (!name) return NF_ERR_FORMAT;
    if (!type) return description_unknown_type(reader, name, "register it with nf_context_register_layer, or use a newer library");
    if ((status = description_check_version(reader, object, type->name, type->version))) return status;
    status = description_read_config(reader, object, type->config_size, type->fields, type->n_fields, &config);
    if (status) return status;
    status = nfi_layer_make(out, reader->context, type, config, reader->where);
    if (status) return description_made(reader, status);
    return description_count_parameters(reader, (*out)->param_count);
}

static nf_status description_read_base(struct description_reader *reader, json_t *object, nf_base **out)
{
    const char *name;
    const nfi_base_type *type;
    void *config = NULL;
    nf_status status;

    description_enter(reader, "base", -1);
    name = description_type(reader, object);
    if (!name) return NF_ERR_FORMAT;
    type = nfi_base_type_find(name);
    if (!type) return description_unknown_type(reader, name, "use a newer library");
    if ((status = description_check_version(reader, object, type->name, type->version))) return status;
    status = description_read_config(reader, object, type->config.size, type->config.fields, type->config.n_fields, &config);
    if (status) return status;
    status = nfi_base_make(out, reader->context, type, config, reader->where);
    if (status) return description_made(reader, status);
    return description_count_parameters(reader, (*out)->param_count);
}

static nf_status description_read_layers(struct description_reader *reader, const json_t *array, nf_layer **layers, int64_t n)
{
    nf_status status = NF_OK;

    for (int64_t i = 0; i < n && !status; i++) {
        description_enter(reader, "layers", i);
        status = description_read_layer(reader, json_array_get(array, (size_t)i), &layers[i]);
    }
    return status;
}

static nf_status description_read_head(const struct description_reader *reader, json_t *root, nf_flow_config *config)
{
    static const char known[] = " format dim cond_dim dtype seed condition base layers ";
    const json_t *seed = json_object_get(root, "seed"), *format = json_object_get(root, "format");
    const char *dtype = json_string_value(json_object_get(root, "dtype")), *key;
    json_t *value;
    char word[16];

    json_object_foreach(root, key, value) {
        (void)snprintf(word, sizeof word, " %.12s ", key);
        if (strpbrk(key, " ") || !*key || !strstr(known, word)) return description_unknown_key(reader, key);
    }
    if (!json_is_integer(format) || json_integer_value(format) < 1) return description_expected(reader, "format", "1");
    if (json_integer_value(format) > NFI_DESCRIPTION_FORMAT)
        return nfi_fail(NF_ERR_VERSION, "%s.format: the description is of format %lld, this library knows %d", reader->where,
                        (long long)json_integer_value(format), NFI_DESCRIPTION_FORMAT);
    if (json_object_get(root, "dtype") && (!dtype || (strcmp(dtype, "f32") != 0 && strcmp(dtype, "f64") != 0)))
        return description_expected(reader, "dtype", "\"f32\" or \"f64\"");
    if (seed && !description_u64(seed, &config->seed)) return description_expected(reader, "seed", "a number of 64 bits as a string");
    if (!json_is_object(json_object_get(root, "base"))) return description_expected(reader, "base", "an object");
    if (!json_is_array(json_object_get(root, "layers"))) return description_expected(reader, "layers", "an array");
    config->dtype = dtype && strcmp(dtype, "f64") == 0 ? NF_F64 : NF_F32;
    return NF_OK;
}

/* The stage of conditions, into *config. Its parameters are counted before a flow is made. */
static nf_status description_read_condition(struct description_reader *reader, const json_t *root, nf_flow_config *config)
{
    json_t *object = json_object_get(root, "condition"), *cond_dim = json_object_get(root, "cond_dim");
    const nfi_config_type *type = &nfi_condition_config_type;
    const nf_flow_config head = *config;
    nf_flow_config resolved;
    void *read = NULL;
    int64_t count;
    nf_status status;

    if (!object) return NF_OK;
    description_enter(reader, "condition", -1);
    if (!json_is_object(object)) return nfi_fail(NF_ERR_FORMAT, "%s: expected is an object", reader->where);
    if (!json_is_integer(cond_dim) || json_integer_value(cond_dim) < 1) return nfi_fail(NF_ERR_FORMAT, "%s: needs cond_dim, an integer from 1", reader->where);
    if ((status = description_read_config(reader, object, type->size, type->fields, type->n_fields, &read))) return status;
    if ((status = nfi_config_resolve(type, read, &resolved, reader->where))) return description_made(reader, status);
    *config = resolved;
    config->dtype = head.dtype;
    config->seed = head.seed;
    config->cond_dim = json_integer_value(cond_dim);
    if ((status = nfi_condition_resolve(config, reader->context, reader->where))) return description_made(reader, status);
    return description_count_parameters(reader, nfi_condition_count(config, &count) ? count : INT64_MAX);
}

/* dim and cond_dim follow from the parts; where the text states them, they must agree. */
static nf_status description_check_dim(const struct description_reader *reader, const json_t *root, const char *key, int64_t dim)
{
    const json_t *value = json_object_get(root, key);

    if (!value || (json_is_integer(value) && json_integer_value(value) == dim)) return NF_OK;
    return nfi_fail(NF_ERR_FORMAT, "%s.%s: the parts make it %lld", reader->where, key, (long long)dim);
}

static nf_status description_compose(struct description_reader *reader, const json_t *root, const nf_flow_config *config, nf_base *base,
                                     nf_layer **layers, int64_t n, nf_flow **out)
{
    nf_status status;

    description_enter(reader, "description", -1);
    if (reader->limits.parameters >= 0 && reader->parameters != reader->limits.parameters)
        return nfi_fail(NF_ERR_FORMAT, "%s: wants %lld parameters, the tensors hold %lld", reader->where,
                        (long long)reader->parameters, (long long)reader->limits.parameters);
    status = (reader->limits.bare ? nfi_flow_create_bare : nf_flow_create)(out, reader->context, config, base, layers, n);
    if (status) return description_status(nfi_fail_in(status, "%s", reader->function));
    status = description_check_dim(reader, root, "dim", (*out)->dim);
    if (!status) status = description_check_dim(reader, root, "cond_dim", (*out)->cond_dim);
    if (!status) return NF_OK;
    nf_flow_unref(*out);
    *out = NULL;
    return status;
}

static nf_status description_read_parts(struct description_reader *reader, json_t *root, nf_flow **out)
{
    const json_t *array = json_object_get(root, "layers");
    const int64_t n = (int64_t)json_array_size(array), most = nfi_context_config(reader->context)->max_layers;
    nf_flow_config config = NF_FLOW_CONFIG_INIT;
    nf_layer **layers;
    nf_base *base = NULL;
    nf_status status;

    if ((status = description_read_head(reader, root, &config))) return status;
    if (n > most)
        return nfi_fail(NF_ERR_LIMIT, "%s.layers: %lld layers, the context allows %lld", reader->where, (long long)n, (long long)most);
    layers = nfi_maker_alloc(reader->maker, n, sizeof *layers);
    if (!layers) return NF_ERR_MEMORY;
    status = description_read_base(reader, json_object_get(root, "base"), &base);
    if (!status) status = description_read_layers(reader, array, layers, n);
    if (!status) status = description_read_condition(reader, root, &config);
    if (!status) status = description_compose(reader, root, &config, base, layers, n, out);
    for (int64_t i = 0; i < n; i++) nf_layer_unref(layers[i]);
    nf_base_unref(base);
    return status;
}

nf_status nfi_description_read(nf_flow **out, nf_context *context, const char *text, int64_t size,
                               const nfi_description_limits *limits, const char *function)
{
    struct description_reader reader = { .context = context, .function = function, .limits = { .parameters = -1, .columns = -1, .images = -1 } };
    json_t *root;
    nf_status status;

    *out = NULL;
    if (limits) reader.limits = *limits;
    description_enter(&reader, "description", -1);
    if ((status = nfi_json_parse(&root, context, text, size, reader.where))) return status;
    status = nfi_maker_create(&reader.maker, context);
    if (!status) status = description_read_parts(&reader, root, out);
    nfi_maker_free(reader.maker);
    json_decref(root);
    return status;
}

/* Public calls */

nf_status nf_flow_from_json(nf_flow **out, nf_context *context, const char *description)
{
    nf_status status;

    if (!out) return nfi_fail(NF_ERR_NULL, "nf_flow_from_json: out is NULL");
    *out = NULL;
    if (!description) return nfi_fail(NF_ERR_NULL, "nf_flow_from_json: description is NULL");
    if (context && (status = nfi_object_check(context, NFI_TAG_CONTEXT, "nf_flow_from_json: context"))) return status;
    const uint64_t fpenv = nfi_fpenv_enter();
    status = nfi_description_read(out, context, description, (int64_t)strlen(description), NULL, "nf_flow_from_json");
    nfi_fpenv_leave(fpenv);
    return status;
}

nf_status nf_flow_to_json(const nf_flow *flow, char *buffer, int64_t capacity, int64_t *size)
{
    nf_status status = nfi_object_check(flow, NFI_TAG_FLOW, "nf_flow_to_json: flow");
    nfi_text text = { 0 };

    if (status) return status;
    if (!size) return nfi_fail(NF_ERR_NULL, "nf_flow_to_json: size is NULL");
    text.context = flow->object.context;
    const uint64_t fpenv = nfi_fpenv_enter();
    nfi_description_write(&text, flow);
    nfi_fpenv_leave(fpenv);
    status = text.status;
    if (!status) {
        *size = text.size + 1;
        if (buffer && capacity < *size)
            status = nfi_fail(NF_ERR_SHAPE, "nf_flow_to_json: capacity is %lld, the text has %lld bytes", (long long)capacity,
                              (long long)*size);
        else if (buffer)
            memcpy(buffer, text.data, (size_t)*size);
    }
    nfi_text_free(&text);
    return status;
}
