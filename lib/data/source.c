/* SPDX-License-Identifier: MIT
 *
 * source.c - whole files in memory
 */
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

enum { FIRST_CAPACITY = 1 << 16, PIECE = 1 << 30 };

/* ---- memory ---------------------------------------------------------------------------------------------------- */

nf_status nfi_buffer_grow(nfi_buffer *b, nf_context *context, int64_t wanted)
{
    nf_status status = NF_OK;
    int64_t capacity = 0;
    if (wanted <= b->capacity)
        return NF_OK;
    if (!nfi_mul(b->capacity, 2, &capacity))
        return nfi_fail(NF_ERR_OVERFLOW, "nf_dataset_load: the file is too large");
    capacity = nfi_max(capacity, wanted);
    char *bytes = nfi_alloc(context, capacity, 1, &status);
    if (bytes == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    if (b->size > 0)
        memcpy(bytes, b->bytes, (size_t)b->size);
    nfi_free(context, b->bytes, b->capacity, 1);
    b->bytes = bytes;
    b->capacity = capacity;
    return NF_OK;
}

void nfi_buffer_free(nfi_buffer *b, nf_context *context)
{
    nfi_free(context, b->bytes, b->capacity, 1);
    *b = (nfi_buffer){0};
}

void *nfi_block_alloc(nf_context *context, int64_t size)
{
    int64_t whole = 0;
    if (!nfi_add(size, NFI_ALIGN, &whole))
        return NULL;
    char *bytes = nfi_alloc(context, whole, 1, NULL);
    if (bytes == NULL)
        return NULL;
    memcpy(bytes, &whole, sizeof whole);
    return bytes + NFI_ALIGN;
}

void nfi_block_free(nf_context *context, void *block)
{
    int64_t whole;
    if (block == NULL)
        return;
    char *bytes = (char *)block - NFI_ALIGN;
    memcpy(&whole, bytes, sizeof whole);
    nfi_free(context, bytes, whole, 1);
}

/* ---- messages -------------------------------------------------------------------------------------------------- */

static const char *errno_text(int number)
{
    static const struct { int number; const char *text; } texts[] = {
        {ENOENT, "no such file"},      {EACCES, "permission denied"},        {EISDIR, "it is a directory"},
        {ENOTDIR, "not a directory"},  {EMFILE, "too many files are open"},  {ENFILE, "too many files are open"},
        {EIO, "input/output error"},   {ENAMETOOLONG, "the name is too long"}, {ELOOP, "too many symbolic links"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].number == number)
            return texts[i].text;
    return "the operating system refused";
}

nf_status nfi_source_fail_io(const nfi_source *source, const char *what, int number)
{
    if (number == ENOMEM)
        return nfi_fail(NF_ERR_MEMORY, "%s: %s: cannot %s: out of memory", source->function, source->name, what);
    return nfi_fail(NF_ERR_IO, "%s: %s: cannot %s: %s (errno %d)", source->function, source->name, what,
                    errno_text(number), number);
}

nf_status nfi_source_fail_large(const nfi_source *source)
{
    return nfi_fail(NF_ERR_LIMIT, "%s: %s is larger than the %lld bytes that the context allows (max_file_bytes)",
                    source->function, source->name, (long long)nfi_context_config(source->context)->max_file_bytes);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static nf_status read_bytes(const nfi_source *source, int descriptor, int64_t claimed, nfi_buffer *b)
{
    const int64_t limit = nfi_context_config(source->context)->max_file_bytes;
    if (claimed > limit)
        return nfi_source_fail_large(source);
    nf_status status = nfi_buffer_grow(b, source->context, nfi_max(claimed + 1, FIRST_CAPACITY));
    while (status >= 0) {
        const ssize_t got = read(descriptor, b->bytes + b->size, (size_t)nfi_min(b->capacity - b->size, PIECE));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return nfi_source_fail_io(source, "read", errno);
        if (got == 0)
            return NF_OK;
        b->size += (int64_t)got;
        if (b->size > limit)
            return nfi_source_fail_large(source);
        status = nfi_buffer_grow(b, source->context, b->size + 1);
    }
    return status;
}

static nf_status read_descriptor(const nfi_source *source, int descriptor, nfi_buffer *b, bool *folder)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return nfi_source_fail_io(source, "read", errno);
    if (S_ISDIR(info.st_mode)) {
        if (folder == NULL)
            return nfi_source_fail_io(source, "read", EISDIR);
        *folder = true;
        return NF_OK;
    }
    return read_bytes(source, descriptor, S_ISREG(info.st_mode) ? (int64_t)info.st_size : 0, b);
}

nf_status nfi_source_read(const nfi_source *source, nfi_buffer *b, bool *folder)
{
    int descriptor;
    b->size = 0;
    do
        descriptor = open(source->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return nfi_source_fail_io(source, "open", errno);
    const nf_status status = read_descriptor(source, descriptor, b, folder);
    (void)close(descriptor);
    return status;
}
