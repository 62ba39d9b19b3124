/* SPDX-License-Identifier: MIT
 *
 * kernels_cblas_none.c - a build without CBLAS: contexts refuse the back end cblas
 */
#include <nflow/context.h>

const char *nf_blas_description(void) { return "none"; }
