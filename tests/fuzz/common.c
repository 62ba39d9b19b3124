/* SPDX-License-Identifier: MIT
 *
 * common.c - what the fuzz targets share: counted memory, findings
 */
#include "fuzz.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long long fuzz_accepted;

void fuzz_found(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fprintf(stderr, "FOUND: ");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    abort();
}

static void *memory_alloc(void *user, int64_t size, int64_t alignment)
{
    fuzz_memory *memory = user;
    void *ptr = NULL;

    if (posix_memalign(&ptr, (size_t)alignment, (size_t)size)) return NULL;
    memory->now += size;
    if (memory->now > memory->most) memory->most = memory->now;
    return ptr;
}

static void memory_free(void *user, void *ptr, int64_t size)
{
    fuzz_memory *memory = user;

    memory->now -= size;
    free(ptr);
}

nf_context *fuzz_context(fuzz_memory *memory)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.alloc = memory_alloc;
    config.free = memory_free;
    config.alloc_user = memory;
    if (nf_context_create(&context, &config)) fuzz_found("no context: %s", nf_last_error());
    memory->most = memory->now;
    return context;
}

void fuzz_check_most(const fuzz_memory *memory, double factor, size_t size, const char *what)
{
    if ((double)memory->most > factor * (double)size + FUZZ_SLACK)
        fuzz_found("%s: %zu bytes made the library hold %lld", what, size, memory->most);
}

void fuzz_check_none(const fuzz_memory *memory, const char *what)
{
    if (memory->now) fuzz_found("%s: %lld bytes were not given back", what, memory->now);
}

void fuzz_check_failure(nf_status status, const nf_status *allowed, const char *what)
{
    fault_log log = { 0 };

    while (*allowed && *allowed != status) allowed++;
    if (!*allowed) fuzz_found("%s: %s: %s", what, nf_status_name(status), nf_last_error());
    if (!fault_said(&log, what, status, status)) fuzz_found("%s", log.why);
}
