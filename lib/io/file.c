/* SPDX-License-Identifier: MIT
 *
 * file.c - whole files: read into memory, and replaced atomically
 *
 * Reading never maps: a file that shrinks meanwhile is an error, not a signal. Replacing writes a new file beside the old
 * one, makes it durable, reads it back, and only then gives it the name.
 */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"

#define FILE_PIECE 65536      /* bytes compared at a time when a file is read back */
#define FILE_MOST_AT_ONCE (1 << 30)
#define FILE_NAME 64          /* characters of a temporary name */
#define FILE_ATTEMPTS 100
#define FILE_MODE_BITS 07777

static int file_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

const nfi_io_ops nfi_io_system = { .open = file_open, .fstat = fstat, .lstat = lstat, .read = read, .write = write, .fchmod = fchmod,
                                   .fsync = fsync, .close = close, .rename = rename, .unlink = unlink, .realpath = realpath };

/* The system's reason. Two functions carry the name strerror_r: one returns the text, one fills the buffer. */
#ifdef __GLIBC__
static const char *file_reason(int error, char *buffer, size_t size) { return strerror_r(error, buffer, size); }
#else
static const char *file_reason(int error, char *buffer, size_t size)
{
    return strerror_r(error, buffer, size) == 0 ? buffer : "unknown error";
}
#endif

static nf_status file_failed(const char *function, const char *doing, const char *path, int error)
{
    char buffer[128];

    return nfi_fail(error == ENOMEM ? NF_ERR_MEMORY : NF_ERR_IO, "%s: cannot %s \"%.512s\": %s", function, doing, path, file_reason(error, buffer, sizeof buffer));
}

static int file_open_again(const nfi_io_ops *ops, const char *path, int flags, mode_t mode)
{
    int file;

    do file = ops->open(path, flags | O_CLOEXEC, mode);
    while (file < 0 && errno == EINTR);
    return file;
}

/* Reads until `size` bytes or the end; bytes read, or -1. */
static int64_t file_read_bytes(const nfi_io_ops *ops, int file, void *buffer, int64_t size)
{
    int64_t done = 0;

    while (done < size) {
        const ssize_t n = ops->read(file, (char *)buffer + done, (size_t)nfi_min(size - done, FILE_MOST_AT_ONCE));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        done += n;
    }
    return done;
}

static int file_write_bytes(const nfi_io_ops *ops, int file, const void *bytes, int64_t size)
{
    for (int64_t done = 0; done < size;) {
        const ssize_t n = ops->write(file, (const char *)bytes + done, (size_t)nfi_min(size - done, FILE_MOST_AT_ONCE));
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        if (n <= 0) return -1;
        done += n;
    }
    return 0;
}

static int file_fsync(const nfi_io_ops *ops, int file)
{
    int failed;

    do failed = ops->fsync(file);
    while (failed && errno == EINTR);
    return failed;
}

/* An interrupted close has closed. */
static int file_close(const nfi_io_ops *ops, int file) { return ops->close(file) && errno != EINTR ? -1 : 0; }

/* Reading */

static nf_status file_read_open(const nfi_io_ops *ops, nf_context *context, int file, const char *path, int64_t max_bytes, void **bytes,
                                int64_t *size, const char *function)
{
    struct stat about;
    nf_status status;
    int64_t n;
    char more;

    if (ops->fstat(file, &about)) return file_failed(function, "read", path, errno);
    if (!S_ISREG(about.st_mode)) return nfi_fail(NF_ERR_IO, "%s: \"%.512s\" is not a regular file", function, path);
    if ((int64_t)about.st_size > max_bytes)
        return nfi_fail(NF_ERR_LIMIT, "%s: \"%.512s\" has %lld bytes, the context allows %lld", function, path, (long long)about.st_size,
                        (long long)max_bytes);
    *size = about.st_size;
    *bytes = nfi_alloc(context, *size, 1, &status);
    if (!*bytes) return status;
    n = file_read_bytes(ops, file, *bytes, *size);
    if (n == *size) n += file_read_bytes(ops, file, &more, 1);
    if (n == *size) return NF_OK;
    status = n < *size && errno && n < 0 ? file_failed(function, "read", path, errno)
                                         : nfi_fail(NF_ERR_IO, "%s: \"%.512s\" changed while it was read", function, path);
    nfi_free(context, *bytes, *size, 1);
    *bytes = NULL;
    return status;
}

nf_status nfi_file_read(const nfi_io_ops *ops, nf_context *context, const char *path, int64_t max_bytes, void **bytes, int64_t *size,
                        const char *function)
{
    const int file = file_open_again(ops, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0); /* nothing to wait for in a regular file */
    nf_status status;

    *bytes = NULL;
    *size = 0;
    if (file < 0) return file_failed(function, "open", path, errno);
    status = file_read_open(ops, context, file, path, max_bytes, bytes, size, function);
    (void)file_close(ops, file);
    return status;
}

/* Replacing */

struct file_target {
    const nfi_io_ops *ops;
    nf_context *context;
    const char *function, *given;
    char *path;      /* symbolic links resolved */
    char *folder;    /* "." when path has none */
    char *temporary;
    int64_t length;  /* of each of the three, NUL and FILE_NAME included */
    bool exists;
    mode_t mode;
};

static nf_status file_target_failed(const struct file_target *t, const char *doing, int error)
{
    return file_failed(t->function, doing, t->given, error);
}

static void file_target_free(struct file_target *t)
{
    nfi_free(t->context, t->path, t->length, 1);
    nfi_free(t->context, t->folder, t->length, 1);
    nfi_free(t->context, t->temporary, t->length, 1);
}

static nf_status file_target_names(struct file_target *t, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    nf_status status;

    t->length = (int64_t)strlen(path) + 1 + FILE_NAME;
    t->path = nfi_alloc(t->context, t->length, 1, &status);
    if (t->path) t->folder = nfi_alloc(t->context, t->length, 1, &status);
    if (t->folder) t->temporary = nfi_alloc(t->context, t->length, 1, &status);
    if (!t->temporary) return status;
    memcpy(t->path, path, strlen(path));
    memcpy(t->folder, slash ? path : ".", slash ? folder : 1);
    if (slash) memcpy(t->temporary, path, folder);
    return NF_OK;
}

/* Where the bytes shall stand in the end, and with which mode. */
static nf_status file_target_find(struct file_target *t)
{
    struct stat about;
    char *resolved;
    nf_status status;

    if (!*t->given) return file_target_failed(t, "write", ENOENT);
    if (t->ops->lstat(t->given, &about)) return errno == ENOENT ? file_target_names(t, t->given) : file_target_failed(t, "write", errno);
    resolved = t->ops->realpath(t->given, NULL);
    if (!resolved) return file_target_failed(t, "write", errno);
    status = file_target_names(t, resolved);
    free(resolved);
    if (status) return status;
    if (t->ops->lstat(t->path, &about)) return file_target_failed(t, "write", errno);
    if (!S_ISREG(about.st_mode)) return nfi_fail(NF_ERR_IO, "%s: \"%.512s\" is not a regular file", t->function, t->given);
    t->exists = true;
    t->mode = about.st_mode & FILE_MODE_BITS;
    return NF_OK;
}

/* A new file of a name that nobody has. Where an old file is replaced, no one else may look in before it has that one's mode;
 * else the system makes the mode from the process's mask. */
static int file_create_temporary(struct file_target *t)
{
    const size_t folder = strcmp(t->folder, ".") == 0 && !strchr(t->path, '/') ? 0 : strlen(t->folder);
    struct timespec now = { 0 };

    for (int attempt = 0; attempt < FILE_ATTEMPTS; attempt++) {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)snprintf(t->temporary + folder, FILE_NAME, ".nflow-%lx-%llx-%d.tmp", (unsigned long)getpid(),
                       (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec, attempt);
        const int file = file_open_again(t->ops, t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, t->exists ? 0600 : 0666);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

static nf_status file_write_temporary(const struct file_target *t, int file, const void *bytes, int64_t size)
{
    if (file_write_bytes(t->ops, file, bytes, size)) return file_target_failed(t, "write", errno);
    if (t->exists && t->ops->fchmod(file, t->mode)) return file_target_failed(t, "set the mode of", errno);
    if (file_fsync(t->ops, file)) return file_target_failed(t, "fsync", errno);
    return NF_OK;
}

static nf_status file_compare(const struct file_target *t, int file, const void *bytes, int64_t size)
{
    nf_status status;
    char *piece = nfi_alloc(t->context, FILE_PIECE, 1, &status);
    int64_t done = 0, n = 1;

    if (!piece) return status;
    while (n > 0 && !status) {
        n = file_read_bytes(t->ops, file, piece, FILE_PIECE);
        if (n < 0)
            status = file_target_failed(t, "read back", errno);
        else if (n > size - done || memcmp(piece, (const char *)bytes + done, (size_t)n) != 0 || (n == 0 && done < size))
            status = nfi_fail(NF_ERR_IO, "%s: \"%.512s\": what was written reads back differently", t->function, t->given);
        done += n;
    }
    nfi_free(t->context, piece, FILE_PIECE, 1);
    return status;
}

static nf_status file_read_back(const struct file_target *t, const void *bytes, int64_t size)
{
    const int file = file_open_again(t->ops, t->temporary, O_RDONLY | O_NOFOLLOW, 0);
    nf_status status;

    if (file < 0) return file_target_failed(t, "read back", errno);
    status = file_compare(t, file, bytes, size);
    (void)file_close(t->ops, file);
    return status;
}

/* The temporary file stands and is durable: give it the name, then make the name durable. */
static nf_status file_rename(const struct file_target *t, bool *renamed)
{
    const int folder = file_open_again(t->ops, t->folder, O_RDONLY | O_DIRECTORY, 0);
    nf_status status = NF_OK;

    if (folder < 0) return file_target_failed(t, "open the folder of", errno);
    if (t->ops->rename(t->temporary, t->path))
        status = file_target_failed(t, "rename to", errno);
    else
        *renamed = true;
    if (!status && file_fsync(t->ops, folder) && errno != EINVAL) /* EINVAL: this file system has no such thing */
        status = file_target_failed(t, "fsync the folder of", errno);
    (void)file_close(t->ops, folder);
    return status;
}

static nf_status file_replace_target(struct file_target *t, const void *bytes, int64_t size)
{
    const int file = file_create_temporary(t);
    bool renamed = false;
    nf_status status;

    if (file < 0) return file_target_failed(t, "create a file beside", errno);
    status = file_write_temporary(t, file, bytes, size);
    if (file_close(t->ops, file) && !status) status = file_target_failed(t, "close", errno);
    if (!status) status = file_read_back(t, bytes, size);
    if (!status) status = file_rename(t, &renamed);
    if (!renamed) (void)t->ops->unlink(t->temporary);
    return status;
}

nf_status nfi_file_replace(const nfi_io_ops *ops, nf_context *context, const char *path, const void *bytes, int64_t size,
                           const char *function)
{
    struct file_target target = { .ops = ops, .context = context, .function = function, .given = path };
    nf_status status = file_target_find(&target);

    if (!status) status = file_replace_target(&target, bytes, size);
    file_target_free(&target);
    return status;
}
