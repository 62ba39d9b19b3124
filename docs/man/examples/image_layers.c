/* SPDX-License-Identifier: MIT
 *
 * image_layers.c - a level of GLOW by hand, and RealNVP on images as a recipe
 */
#include <nflow/nflow.h>
#include <stdio.h>

enum { LAYERS = 5 };

int main(void)
{
    nf_dequantise_config dequantise = { .struct_size = sizeof dequantise, .dim = 16 };
    nf_squeeze_config squeeze = { .struct_size = sizeof squeeze, .height = 4, .width = 4, .channels = 1 };
    nf_invconv_config mix = { .struct_size = sizeof mix, .height = 2, .width = 2, .channels = 4 };
    nf_coupling_conv_config coupling = { .struct_size = sizeof coupling, .height = 2, .width = 2, .channels = 4, .hidden = 8 };
    nf_split_config split = { .struct_size = sizeof split, .height = 2, .width = 2, .channels = 4 };
    nf_realnvp_image_config recipe = { .struct_size = sizeof recipe, .height = 4, .width = 4, .channels = 1, .hidden = 4 };
    nf_layer *layers[LAYERS] = { NULL };
    nf_base *base = NULL;
    nf_flow *flow = NULL, *other = NULL;
    int64_t height = 0, width = 0, channels = 0;
    float x[16];
    nf_status status = nf_dequantise_create(&layers[0], NULL, &dequantise); /* whole numbers, 0 to 255 */

    if (status >= 0) status = nf_squeeze_create(&layers[1], NULL, &squeeze); /* [4][4][1] -> [2][2][4] */
    if (status >= 0) status = nf_invconv_create(&layers[2], NULL, &mix);
    if (status >= 0) status = nf_coupling_conv_create(&layers[3], NULL, &coupling);
    if (status >= 0) status = nf_split_create(&layers[4], NULL, &split); /* two of four channels go on: 8 columns */
    if (status >= 0) status = nf_base_normal_create(&base, NULL, 16);
    if (status >= 0) status = nf_flow_create(&flow, NULL, NULL, base, layers, LAYERS);
    if (status >= 0) status = nf_flow_sample(flow, 1, 0, 1, NULL, 0.7, x, NULL);
    if (status >= 0) status = nf_flow_create_realnvp_image(&other, NULL, &recipe);
    if (status >= 0) status = nf_flow_image_shape(other, &height, &width, &channels);
    if (status >= 0) printf("a pixel is %.0f; the recipe has %lld layers for images of %lld x %lld x %lld\n", (double)x[0],
                            (long long)nf_flow_layers(other), (long long)height, (long long)width, (long long)channels);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(other);
    nf_flow_unref(flow);
    nf_base_unref(base);
    for (int i = 0; i < LAYERS; i++) nf_layer_unref(layers[i]);
    return status < 0;
}
