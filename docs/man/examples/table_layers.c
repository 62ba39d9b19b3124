/* SPDX-License-Identifier: MIT
 *
 * table_layers.c - layers of tables in a chain, typed and by name
 */
#include <nflow/nflow.h>
#include <stdio.h>

enum { LAYERS = 9 };

int main(void)
{
    const double mean[] = { 0.0, 0.0, 0.0 }, sd[] = { 1.5, 1.5, 1.5 };
    nf_logit_config logit = { .struct_size = sizeof logit, .dim = 3, .alpha = 0.01 };
    nf_standardise_config standardise = { .struct_size = sizeof standardise, .dim = 3, .mean = mean, .n_mean = 3, .sd = sd, .n_sd = 3 };
    nf_permutation_config turn = { .struct_size = sizeof turn, .dim = 3, .kind = NF_PERMUTATION_REVERSE };
    nf_linear_config linear = { .struct_size = sizeof linear, .dim = 3 };
    nf_householder_config rotation = { .struct_size = sizeof rotation, .dim = 3 };
    nf_planar_config planar = { .struct_size = sizeof planar, .dim = 3 };
    nf_radial_config radial = { .struct_size = sizeof radial, .dim = 3 };
    nf_sylvester_config sylvester = { .struct_size = sizeof sylvester, .dim = 3, .rank = 2 };
    nf_affine_config affine = { .struct_size = sizeof affine, .dim = 3 };
    nf_layer *layers[LAYERS] = { NULL };
    nf_base *base = NULL;
    nf_flow *flow = NULL;
    float x[] = { 0.1f, 0.5f, 0.8f }, z[3], back[3];
    double log_det = 0.0;
    nf_status status = nf_logit_create(&layers[0], NULL, &logit); /* next to x, which must lie between 0 and 1 */

    if (status >= 0) status = nf_standardise_create(&layers[1], NULL, &standardise);
    if (status >= 0) status = nf_permutation_create(&layers[2], NULL, &turn);
    if (status >= 0) status = nf_linear_create(&layers[3], NULL, &linear);
    if (status >= 0) status = nf_layer_create(&layers[4], NULL, "affine", &affine);
    if (status >= 0) status = nf_householder_create(&layers[5], NULL, &rotation);
    if (status >= 0) status = nf_planar_create(&layers[6], NULL, &planar);
    if (status >= 0) status = nf_radial_create(&layers[7], NULL, &radial);
    if (status >= 0) status = nf_sylvester_create(&layers[8], NULL, &sylvester);
    if (status >= 0) status = nf_base_normal_create(&base, NULL, 3);
    if (status >= 0) status = nf_flow_create(&flow, NULL, NULL, base, layers, LAYERS);
    if (status >= 0) status = nf_flow_forward(flow, 1, x, NULL, z, &log_det);
    if (status >= 0) status = nf_flow_inverse(flow, 1, z, NULL, back, NULL);
    for (int i = 0; status >= 0 && i < LAYERS; i++) printf("%s, ", nf_layer_type_name(layers[i]));
    if (status >= 0) printf("log|det| %.4f, and back: %.3f %.3f %.3f\n", log_det, (double)back[0], (double)back[1], (double)back[2]);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    nf_flow_unref(flow);
    nf_base_unref(base);
    for (int i = 0; i < LAYERS; i++) nf_layer_unref(layers[i]);
    return status < 0;
}
