/* SPDX-License-Identifier: MIT
 *
 * description_write.c - a flow as JSON text
 *
 * The text's form, and what of a config it has, are told in description.c.
 */
#include "io/description.h"

#include <string.h>

static void description_write_array(nfi_text *text, const nf_field *field, const char *config)
{
    const void *items;
    int64_t count;

    memcpy(&items, config + field->offset, sizeof items);
    memcpy(&count, config + field->count_offset, sizeof count);
    if (!items || count <= 0) return;
    nfi_text_key(text, field->name);
    nfi_text_raw(text, "[");
    for (int64_t i = 0; i < count && !text->status; i++) {
        nfi_text_separate(text);
        if (field->kind == NF_FIELD_I64_ARRAY)
            nfi_text_i64(text, ((const int64_t *)items)[i]);
        else
            nfi_text_real(text, ((const double *)items)[i]);
    }
    nfi_text_raw(text, "]");
}

static void description_write_i32(nfi_text *text, const nf_field *field, int32_t value)
{
    char name[64];

    if (field->kind == NF_FIELD_CHOICE && value == 0) return; /* the constructor's own default */
    nfi_text_key(text, field->name);
    if (field->kind == NF_FIELD_CHOICE) {
        nfi_choice_name(field, value, name, sizeof name);
        nfi_text_quoted(text, name);
    } else if (field->kind == NF_FIELD_FLAG) {
        nfi_text_raw(text, value ? "true" : "false");
    } else {
        nfi_text_i64(text, value);
    }
}

static void description_write_i64(nfi_text *text, const nf_field *field, int64_t value)
{
    nfi_text_key(text, field->name);
    nfi_text_i64(text, value);
}

static void description_write_u64(nfi_text *text, const nf_field *field, uint64_t value)
{
    nfi_text_key(text, field->name);
    nfi_text_u64(text, value);
}

static void description_write_f64(nfi_text *text, const nf_field *field, double value)
{
    nfi_text_key(text, field->name);
    nfi_text_real(text, value);
}

static void description_write_string(nfi_text *text, const nf_field *field, const char *value)
{
    if (!value) return;
    nfi_text_key(text, field->name);
    nfi_text_quoted(text, value);
}

static void description_write_field(nfi_text *text, const nf_field *field, const char *config)
{
    union { int32_t i32; int64_t i64; uint64_t u64; double f64; const char *string; } value;
    const bool small = field->kind == NF_FIELD_I32 || field->kind == NF_FIELD_CHOICE || field->kind == NF_FIELD_FLAG;

    if (field->properties & NF_FIELD_INITIAL || field->kind == NF_FIELD_POINTER) return;
    memcpy(&value, config + field->offset, small ? sizeof value.i32 : field->kind == NF_FIELD_STRING ? sizeof value.string : sizeof value.i64);
    if (small) description_write_i32(text, field, value.i32);
    else if (field->kind == NF_FIELD_I64) description_write_i64(text, field, value.i64);
    else if (field->kind == NF_FIELD_U64) description_write_u64(text, field, value.u64);
    else if (field->kind == NF_FIELD_F64) description_write_f64(text, field, value.f64);
    else if (field->kind == NF_FIELD_STRING) description_write_string(text, field, value.string);
    else description_write_array(text, field, config);
}

static void description_write_part(nfi_text *text, const char *type, uint32_t version, const nf_field *fields,
                                   int32_t n_fields, const void *config)
{
    nfi_text_raw(text, "{");
    nfi_text_key(text, "type");
    nfi_text_quoted(text, type);
    nfi_text_key(text, "version");
    nfi_text_i64(text, version);
    for (int32_t i = 0; i < n_fields; i++) description_write_field(text, &fields[i], config);
    nfi_text_raw(text, "}");
}

static void description_write_number(nfi_text *text, const char *key, int64_t value)
{
    nfi_text_key(text, key);
    nfi_text_i64(text, value);
}

static void description_write_condition(nfi_text *text, const nf_flow_config *config)
{
    const nfi_config_type *type = &nfi_condition_config_type;

    nfi_text_key(text, "condition");
    nfi_text_raw(text, "{");
    for (int32_t i = 0; i < type->n_fields; i++) description_write_field(text, &type->fields[i], (const char *)config);
    nfi_text_raw(text, "}");
}

void nfi_description_write(nfi_text *text, const nf_flow *flow)
{
    const nf_base *base = flow->base;

    nfi_text_raw(text, "{");
    description_write_number(text, "format", NFI_DESCRIPTION_FORMAT);
    description_write_number(text, "dim", flow->dim);
    description_write_number(text, "cond_dim", flow->cond_dim);
    nfi_text_key(text, "dtype");
    nfi_text_quoted(text, flow->dtype == NF_F32 ? "f32" : "f64");
    nfi_text_key(text, "seed");
    nfi_text_u64(text, flow->seed);
    if (flow->condition.maker) description_write_condition(text, &flow->condition.config);
    nfi_text_key(text, "base");
    description_write_part(text, base->type->name, base->type->version, base->type->config.fields,
                           base->type->config.n_fields, base->config);
    nfi_text_key(text, "layers");
    nfi_text_raw(text, "[");
    for (int64_t i = 0; i < flow->n_places && !text->status; i++) {
        const nf_layer *layer = flow->places[i].layer;
        nfi_text_separate(text);
        description_write_part(text, layer->type->name, layer->type->version, layer->type->fields, layer->type->n_fields,
                               layer->config);
    }
    nfi_text_raw(text, "]}");
}
