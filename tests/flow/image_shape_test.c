/* SPDX-License-Identifier: MIT
 *
 * image_shape_test.c - nf_flow_image_shape reads the shape off layers that it does not know
 */
#include "support.h"
#include <check.h>
#include <stddef.h>
#include <string.h>

/* The identity, on images. */
typedef struct picture_config {
    uint32_t struct_size;
    int32_t reserved;
    int64_t height, width, channels;
} picture_config;

#define PICTURE_FIELD(member)                                                                                                            \
    { .name = #member, .help = "of the image", .kind = NF_FIELD_I64, .properties = NF_FIELD_REQUIRED,                                      \
      .offset = (uint32_t)offsetof(picture_config, member), .min = 1, .max = 100 }
static const nf_field picture_fields[] = { PICTURE_FIELD(height), PICTURE_FIELD(width), PICTURE_FIELD(channels) };

static nf_status picture_create(nf_maker *maker, void *config, void **self)
{
    int64_t *dim = nf_maker_alloc(maker, sizeof *dim);
    const picture_config *c = config;

    if (!dim) return NF_ERR_MEMORY;
    *dim = c->height * c->width * c->channels;
    *self = dim;
    return NF_OK;
}

static nf_status picture_describe(const void *self, nf_layer_info *info)
{
    info->dim = *(const int64_t *)self;
    return NF_OK;
}

static nf_status picture_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *saved)
{
    (void)saved;
    memcpy(out, in, (size_t)(tile->n * *(const int64_t *)self * support_size(tile->dtype)));
    return NF_OK;
}

static nf_status picture_backward(const void *self, const nf_tile *tile, const void *in, const void *out, const void *saved, void *g,
                                  const double *g_log_det)
{
    (void)self, (void)tile, (void)in, (void)out, (void)saved, (void)g, (void)g_log_det;
    return NF_OK;
}

static const nf_layer_ops picture_ops = { .struct_size = sizeof picture_ops, .forward = picture_forward, .backward = picture_backward };
static const nf_layer_type picture_type = {
    .struct_size = sizeof picture_type, .version = 1, .name = "test_picture", .config_size = sizeof(picture_config),
    .config_first_size = sizeof(picture_config), .fields = picture_fields, .n_fields = SUPPORT_COUNT(picture_fields),
    .create = picture_create, .describe = picture_describe, .f32 = &picture_ops, .f64 = &picture_ops };

static nf_layer *picture(int64_t height, int64_t width, int64_t channels)
{
    const picture_config config = { .struct_size = sizeof config, .height = height, .width = width, .channels = channels };
    nf_layer *layer = NULL;

    ck_assert_msg(nf_layer_create_custom(&layer, NULL, &picture_type, &config) == NF_OK, "%s", nf_last_error());
    return layer;
}

static nf_layer *plain(int64_t dim)
{
    nf_affine_config config = NF_AFFINE_CONFIG_INIT;
    nf_layer *layer = NULL;

    config.dim = dim;
    ck_assert_int_eq(nf_affine_create(&layer, NULL, &config), NF_OK);
    return layer;
}

/* Takes over the layers' references. */
static void check_shape(int64_t dim, nf_layer **layers, int64_t n_layers, int64_t height, int64_t width, int64_t channels)
{
    int64_t h = -1, w = -1, c = -1;
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    ck_assert_int_eq(nf_base_normal_create(&base, NULL, dim), NF_OK);
    ck_assert_msg(nf_flow_create(&flow, NULL, NULL, base, layers, n_layers) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_image_shape(flow, &h, &w, &c), NF_OK);
    ck_assert_msg(h == height && w == width && c == channels, "%d x %d x %d", (int)h, (int)w, (int)c);
    for (int64_t i = 0; i < n_layers; i++) nf_layer_unref(layers[i]);
    nf_flow_unref(flow);
    nf_base_unref(base);
}

START_TEST(image_shape__is_that_of_the_first_layer_with_one)
{
    check_shape(24, (nf_layer *[]){ picture(4, 6, 1) }, 1, 4, 6, 1);
    check_shape(24, (nf_layer *[]){ plain(24), picture(2, 4, 3), picture(1, 2, 12) }, 3, 2, 4, 3);
}
END_TEST

START_TEST(image_shape__of_tables_is_zero)
{
    check_shape(24, (nf_layer *[]){ plain(24), plain(24) }, 2, 0, 0, 0);
    check_shape(2, NULL, 0, 0, 0, 0);
}
END_TEST

START_TEST(image_shape__refuses_what_is_wrong)
{
    int64_t h = 7, w = 7, c = 7;
    nf_base *base = NULL;
    nf_flow *flow = NULL;

    ck_assert_int_eq(nf_base_normal_create(&base, NULL, 2), NF_OK);
    ck_assert_int_eq(nf_flow_create(&flow, NULL, NULL, base, NULL, 0), NF_OK);
    ck_assert_int_eq(nf_flow_image_shape(NULL, &h, &w, &c), NF_ERR_NULL);
    ck_assert_int_eq(nf_flow_image_shape((const nf_flow *)(const void *)base, &h, &w, &c), NF_ERR_HANDLE);
    ck_assert_int_eq(nf_flow_image_shape(flow, NULL, &w, &c), NF_ERR_NULL);
    ck_assert_str_eq(nf_last_error(), "nf_flow_image_shape: height is NULL");
    ck_assert_int_eq(nf_flow_image_shape(flow, &h, NULL, &c), NF_ERR_NULL);
    ck_assert_str_eq(nf_last_error(), "nf_flow_image_shape: width is NULL");
    ck_assert_int_eq(nf_flow_image_shape(flow, &h, &w, NULL), NF_ERR_NULL);
    ck_assert_str_eq(nf_last_error(), "nf_flow_image_shape: channels is NULL");
    ck_assert(h == 7 && w == 7 && c == 7);
    nf_flow_unref(flow);
    nf_base_unref(base);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("image_shape");
    TCase *cases = tcase_create("image_shape");

    tcase_add_test(cases, image_shape__is_that_of_the_first_layer_with_one);
    tcase_add_test(cases, image_shape__of_tables_is_zero);
    tcase_add_test(cases, image_shape__refuses_what_is_wrong);
    suite_add_tcase(suite, cases);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
