/* SPDX-License-Identifier: MIT
 *
 * image_shape.c - the images that a flow is of, read off the configs of its layers
 *
 * No layer type is named here: what counts is that a config has fields height, width and channels.
 */
#include "core/status.h"
#include "flow/flow.h"

/* A positive whole number among the layer's fields, or 0. */
static int64_t image_shape_field(const nf_layer *layer, const char *name)
{
    const nf_layer_type *type = layer->type;

    for (int32_t i = 0; i < type->n_fields; i++) {
        int64_t value;
        if (strcmp(type->fields[i].name, name) != 0 || type->fields[i].kind != NF_FIELD_I64) continue;
        memcpy(&value, (const char *)layer->config + type->fields[i].offset, sizeof value);
        return nfi_max(value, 0);
    }
    return 0;
}

/* True for a layer that sees whole rows as images. */
static bool image_shape_of(const nf_flow *flow, const nf_layer *layer, int64_t shape[3])
{
    static const char *const names[3] = { "height", "width", "channels" };
    int64_t dim = 1;

    for (int k = 0; k < 3; k++) {
        shape[k] = image_shape_field(layer, names[k]);
        if (!nfi_mul(dim, shape[k], &dim)) return false;
    }
    return dim == flow->dim;
}

nf_status nf_flow_image_shape(const nf_flow *flow, int64_t *height, int64_t *width, int64_t *channels)
{
    int64_t shape[3] = { 0, 0, 0 };
    bool found = false;
    const nf_status status = nfi_argument_check(flow, NFI_TAG_FLOW, "nf_flow_image_shape", "flow");

    if (status) return status;
    if (!height || !width || !channels)
        return nfi_fail(NF_ERR_NULL, "nf_flow_image_shape: %s is NULL", !height ? "height" : !width ? "width" : "channels");
    for (int64_t l = 0; l < flow->n_places && !found; l++) found = image_shape_of(flow, flow->places[l].layer, shape);
    *height = found ? shape[0] : 0;
    *width = found ? shape[1] : 0;
    *channels = found ? shape[2] : 0;
    return NF_OK;
}
