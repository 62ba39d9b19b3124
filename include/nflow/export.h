/* SPDX-License-Identifier: MIT
 *
 * export.h - visibility and linkage of the public functions, version of the headers
 *
 * Across the ABI go int32_t, int64_t, uint64_t, float, double, const char *, void *, opaque handles, and structs by pointer that
 * begin with their size. Nothing else: no bool, size_t, long, enum-typed parameter, bit-field, va_list or FILE *.
 */
#ifndef NFLOW_EXPORT_H
#define NFLOW_EXPORT_H

#include <stdint.h>

#if defined(_WIN32)
#define NF_API
#else
#define NF_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define NF_BEGIN_DECLS extern "C" {
#define NF_END_DECLS }
#else
#define NF_BEGIN_DECLS
#define NF_END_DECLS
#endif

/* The version of these headers, since 0.1; nf_version() tells that of the library in use. */
#define NF_VERSION_MAJOR 0
#define NF_VERSION_MINOR 1
#define NF_VERSION_PATCH 0

#endif
