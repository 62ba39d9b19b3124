/* SPDX-License-Identifier: MIT
 *
 * bases.c - the bases: by name and typed, and a flow that is its base alone
 */
#include <nflow/nflow.h>
#include <stdio.h>

int main(void)
{
    const nf_base_normal_config normal = { .struct_size = sizeof normal, .dim = 2 };
    const nf_base_normal_full_config full = { .struct_size = sizeof full, .dim = 2 };
    const nf_base_mixture_config mixture = { .struct_size = sizeof mixture, .dim = 2, .components = 3 };
    const nf_base_box_config box = { .struct_size = sizeof box, .dim = 2, .normal = (const int64_t[]){ 1 }, .n_normal = 1 };
    const nf_base_student_config student = { .struct_size = sizeof student, .dim = 2, .df = 4 };
    const nf_base_normal_conditional_config conditional = { .struct_size = sizeof conditional, .dim = 2, .cond_dim = 1 };
    const double x[] = { 0.3, -0.6 }, cond[] = { 1.5 };
    nf_base *base[11] = { NULL };
    nf_status status = nf_base_normal_create(&base[0], NULL, 2);

    if (status >= 0) status = nf_base_diagonal_create(&base[1], NULL, 2);
    if (status >= 0) status = nf_base_uniform_create(&base[2], NULL, 2, -1.0, 1.0);
    if (status >= 0) status = nf_base_create(&base[3], NULL, "normal", &normal); /* by its name, from a table or a file */
    if (status >= 0) status = nf_base_normal_full_create(&base[4], NULL, &full);
    if (status >= 0) status = nf_base_mixture_create(&base[5], NULL, &mixture);
    if (status >= 0) status = nf_base_student_create(&base[6], NULL, &student);
    if (status >= 0) status = nf_base_laplace_create(&base[7], NULL, 2);
    if (status >= 0) status = nf_base_logistic_create(&base[8], NULL, 2);
    if (status >= 0) status = nf_base_box_create(&base[9], NULL, &box); /* the second column normal */
    if (status >= 0) status = nf_base_normal_conditional_create(&base[10], NULL, &conditional);
    for (int i = 0; status >= 0 && i < 11; i++) {
        nf_flow_config config = { .struct_size = sizeof config, .dtype = NF_F64 };
        nf_flow *flow = NULL;
        double log_prob = 0.0;

        status = nf_flow_create(&flow, NULL, &config, base[i], NULL, 0);
        if (status >= 0) status = nf_flow_log_prob_f64(flow, 1, x, nf_base_cond_dim(base[i]) ? cond : NULL, &log_prob);
        if (status >= 0) printf("%-18s of %lld columns: log p = %.4f\n", nf_base_type_name(base[i]), (long long)nf_base_dim(base[i]), log_prob);
        nf_flow_unref(flow);
    }
    for (int32_t i = 0; nf_base_type_at(i); i++) printf("%s ", nf_base_type_at(i));
    printf("are the bases that there are\n");
    for (int i = 0; i < 11; i++) nf_base_unref(base[i]);
    if (status < 0) fprintf(stderr, "%s\n", nf_last_error());
    return status < 0;
}
