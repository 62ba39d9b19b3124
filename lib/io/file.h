/* SPDX-License-Identifier: MIT
 *
 * file.h - whole files: read into memory, and replaced atomically
 */
#ifndef NFI_IO_FILE_H
#define NFI_IO_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <nflow/context.h>

/* Every system call of this module: tests put failing ones in their place. */
typedef struct nfi_io_ops {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*fstat)(int file, struct stat *out);
    int (*lstat)(const char *path, struct stat *out);
    ssize_t (*read)(int file, void *buffer, size_t size);
    ssize_t (*write)(int file, const void *buffer, size_t size);
    int (*fchmod)(int file, mode_t mode);
    int (*fsync)(int file);
    int (*close)(int file);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    char *(*realpath)(const char *path, char *resolved);
} nfi_io_ops;

extern const nfi_io_ops nfi_io_system; /* the operating system's */

/* Reads a regular file of at most max_bytes. *bytes is freed with nfi_free(context, *bytes, *size, 1). NF_ERR_IO (path and
 * reason), _LIMIT, _MEMORY. */
nf_status nfi_file_read(const nfi_io_ops *ops, nf_context *context, const char *path, int64_t max_bytes, void **bytes, int64_t *size,
                        const char *function);
/* Replaces a file, or the file that a symbolic link leads to, atomically and durably. After a failure the old file is as it
 * was; only when the folder's own fsync fails (last of all) the new one stands already. NF_ERR_IO, _MEMORY. */
nf_status nfi_file_replace(const nfi_io_ops *ops, nf_context *context, const char *path, const void *bytes, int64_t size,
                           const char *function);

#endif
