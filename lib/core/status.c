/* SPDX-License-Identifier: MIT
 *
 * status.c - statuses in words, and the line of the latest failure
 *
 * The thread-local line is the only mutable static data of the library.
 */
#include <stdarg.h>
#include <string.h>

#include "core/print.h"
#include "core/status.h"
#include <nflow/layer_type.h>

#define STATUS_LINE 1024 /* bytes, the final zero included; longer lines are cut */

#define STATUS_STRING_(x) #x
#define STATUS_STRING(x) STATUS_STRING_(x)

static _Thread_local char status_line[STATUS_LINE];

const char *nf_status_name(nf_status status)
{
    switch (status) {
#define STATUS_NAME(number, name, text)                                                                                \
    case number:                                                                                                       \
        return #name;
        NF_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    default:
        return "unknown status";
    }
}

const char *nf_status_text(nf_status status)
{
    switch (status) {
#define STATUS_TEXT(number, name, text)                                                                                \
    case number:                                                                                                       \
        return text;
        NF_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    default:
        return "unknown status";
    }
}

const char *nf_last_error(void) { return status_line; }

const char *nf_version(void)
{
    return STATUS_STRING(NF_VERSION_MAJOR) "." STATUS_STRING(NF_VERSION_MINOR) "." STATUS_STRING(NF_VERSION_PATCH);
}

int32_t nf_version_number(void) { return NF_VERSION_MAJOR * 10000 + NF_VERSION_MINOR * 100 + NF_VERSION_PATCH; }

/* Every failure leaves a line that is not empty: the English of the status where there is no better one. The line is
 * built apart, because arguments may point into the present one. */
static void status_record(nf_status status, const char *line)
{
    const char *text = line[0] != '\0' ? line : nf_status_text(status);
    const size_t length = strlen(text);
    const size_t kept = length < STATUS_LINE ? length : STATUS_LINE - 1;

    memcpy(status_line, text, kept);
    status_line[kept] = '\0';
}

nf_status nfi_fail(nf_status status, const char *format, ...)
{
    char line[STATUS_LINE] = "";
    va_list args;

    va_start(args, format);
    nfi_vprint(line, sizeof line, format, args);
    va_end(args);
    status_record(status, line);
    return status;
}

nf_status nfi_fail_in(nf_status status, const char *format, ...)
{
    char line[STATUS_LINE] = "";
    va_list args;
    size_t prefix, rest;

    va_start(args, format);
    nfi_vprint(line, sizeof line, format, args);
    va_end(args);
    prefix = strlen(line);
    if (prefix > 0 && prefix + 2 < sizeof line) {
        memcpy(line + prefix, ": ", 2);
        prefix += 2;
    }
    rest = strlen(status_line);
    if (rest > sizeof line - 1 - prefix)
        rest = sizeof line - 1 - prefix;
    memcpy(line + prefix, status_line, rest);
    line[prefix + rest] = '\0';
    status_record(status, line);
    return status;
}

nf_status nf_fail(nf_status status, const char *line) { return nfi_fail(status, "%s", line != NULL ? line : ""); }
