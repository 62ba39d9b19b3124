/* SPDX-License-Identifier: MIT
 *
 * print.c - text that is the same under every locale
 *
 * The thread's locale is changed for the time of the call, as POSIX has it (uselocale), the process's never. newlocale of "C" gives a
 * constant of the C library (glibc, musl): nothing is allocated there.
 */
#include "core/print.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>

#include "core/fpenv.h"

void nfi_vprint(char *to, size_t size, const char *format, va_list args)
{
    const uint64_t fpenv = nfi_fpenv_enter();
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = plain ? uselocale(plain) : (locale_t)0;

    if (vsnprintf(to, size, format, args) < 0) to[0] = '\0';
    if (before) (void)uselocale(before);
    if (plain) freelocale(plain);
    nfi_fpenv_leave(fpenv);
}

void nfi_print(char *to, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    nfi_vprint(to, size, format, args);
    va_end(args);
}
