/* SPDX-License-Identifier: MIT
 *
 * print.h - text that is the same under every locale
 */
#ifndef NFI_CORE_PRINT_H
#define NFI_CORE_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* snprintf under the locale "C" and the default floating-point state, whatever those of the calling thread are. `to` ends with a zero,
 * also where nothing can be written. */
__attribute__((format(printf, 3, 4))) void nfi_print(char *to, size_t size, const char *format, ...);
__attribute__((format(printf, 3, 0))) void nfi_vprint(char *to, size_t size, const char *format, va_list args);

#endif
