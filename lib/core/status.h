/* SPDX-License-Identifier: MIT
 *
 * status.h - recording failures
 */
#ifndef NFI_CORE_STATUS_H
#define NFI_CORE_STATUS_H

#include <nflow/status.h>

/* Writes one line to nf_last_error() and returns `status`: return nfi_fail(NF_ERR_ARG, "nf_x: n is %lld, ...").
 * Never allocates. Wording: function, argument, value, limit; impersonal; no final full stop. */
__attribute__((format(printf, 2, 3), cold)) nf_status nfi_fail(nf_status status, const char *format, ...);

/* Puts `prefix` and ": " before the line already recorded, e.g. to name the layer a failure came from. */
__attribute__((format(printf, 2, 3), cold)) nf_status nfi_fail_in(nf_status status, const char *format, ...);

#endif
