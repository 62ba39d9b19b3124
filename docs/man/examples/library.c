/* SPDX-License-Identifier: MIT
 *
 * library.c - what a program may ask the library about itself
 */
#include <nflow/nflow.h>
#include <stdio.h>

int main(void)
{
    nf_context_config config;
    nf_context *context = NULL;

    printf("libnflow %s; headers %d.%d.%d\n", nf_version(), NF_VERSION_MAJOR, NF_VERSION_MINOR, NF_VERSION_PATCH);
    if (nf_version_number() / 100 != NF_VERSION_MAJOR * 100 + NF_VERSION_MINOR) return 1; /* built with other headers */
    nf_context_config_init(&config);
    config.threads = 2;
    if (nf_context_create(&context, &config) < 0) {
        fprintf(stderr, "%s\n", nf_last_error());
        return 1;
    }
    printf("%d threads, kernels %s, back end %s\n", nf_context_threads(context), nf_context_isa(context), nf_context_backend(context));
    printf("CBLAS: %s\n", nf_blas_description());
    nf_context_unref(context);
    printf("%s means: %s\n", nf_status_name(NF_ERR_SHAPE), nf_status_text(NF_ERR_SHAPE));
    return 0;
}
