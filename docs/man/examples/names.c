/* SPDX-License-Identifier: MIT
 *
 * names.c - the tables: layers, rules, densities, and the fields of a config
 */
#include <nflow/nflow.h>
#include <stdio.h>

int main(void)
{
    nf_field field;

    for (int32_t i = 0; nf_layer_type_at(i); i++) printf("layer %s\n", nf_layer_type_at(i));
    for (int32_t i = 0; nf_optimizer_type_at(i); i++) printf("rule %s\n", nf_optimizer_type_at(i));
    for (int32_t i = 0; nf_dataset_synthetic_at(i); i++) printf("density %s\n", nf_dataset_synthetic_at(i));
    for (int32_t i = 0; nf_config_field("realnvp", i, &field) == NF_OK; i++)
        printf("%s at byte %u: %s%s%s\n", field.name, (unsigned)field.offset, field.help, field.choices ? ": " : "",
               field.choices ? field.choices : "");
    return 0;
}
