/* SPDX-License-Identifier: MIT
 *
 * folder.c - what stands in a folder, in an order of its own
 *
 * The system lists names in any order; sorted as bytes they are the same rows on every machine and in every locale.
 */
#include "data/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

enum { FIRST_ENTRIES = 64 };

/* ---- lists ----------------------------------------------------------------------------------------------------- */

void nfi_folder_free(nfi_listing *l, nf_context *context)
{
    for (int64_t i = 0; i < l->n; i++)
        nfi_strfree(context, l->entries[i].path);
    nfi_free(context, l->entries, l->capacity, sizeof *l->entries);
    *l = (nfi_listing){0};
}

static nf_status grow(nfi_listing *l, nf_context *context)
{
    nf_status status = NF_OK;
    if (l->n < l->capacity)
        return NF_OK;
    const int64_t capacity = nfi_max(2 * l->capacity, FIRST_ENTRIES);
    nfi_entry *entries = nfi_alloc(context, capacity, sizeof *entries, &status);
    if (entries == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    if (l->n > 0)
        memcpy(entries, l->entries, (size_t)l->n * sizeof *entries);
    nfi_free(context, l->entries, l->capacity, sizeof *entries);
    l->entries = entries;
    l->capacity = capacity;
    return NF_OK;
}

/* folder/name */
static char *join(nf_context *context, const char *folder, const char *name, nf_status *status)
{
    const size_t length = strlen(folder), slash = length > 0 && folder[length - 1] != '/', rest = strlen(name) + 1;
    const int64_t size = (int64_t)(length + slash + rest);
    char *text = nfi_alloc(context, size, 1, status);
    if (text == NULL)
        return NULL;
    memcpy(text, folder, length);
    text[length] = '/';
    memcpy(text + length + slash, name, rest);
    char *path = nfi_strdup(context, text, status);
    nfi_free(context, text, size, 1);
    return path;
}

static nf_status add(nfi_listing *l, nf_context *context, const char *folder, const char *name)
{
    nf_status status = grow(l, context);
    if (status < 0)
        return status;
    char *path = join(context, folder, name, &status);
    if (path == NULL)
        return status < 0 ? status : NF_ERR_MEMORY;
    l->entries[l->n++] = (nfi_entry){.path = path};
    return NF_OK;
}

static int compare(const void *a, const void *b) { return strcmp(((const nfi_entry *)a)->path, ((const nfi_entry *)b)->path); }

static void sort(nfi_listing *l, int64_t first)
{
    if (l->n - first > 1)
        qsort(l->entries + first, (size_t)(l->n - first), sizeof *l->entries, compare);
}

/* ---- the system ------------------------------------------------------------------------------------------------ */

static bool is_png_name(const char *name)
{
    static const char ending[] = ".png";
    const size_t length = strlen(name), size = sizeof ending - 1;
    if (length <= size)
        return false;
    for (size_t i = 0; i < size; i++) {
        const char c = name[length - size + i];
        if ((c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c) != ending[i])
            return false;
    }
    return true;
}

/* Adds the names that end in .png to `files`, the others to `others` (NULL: nowhere). */
static nf_status list_open(const nfi_source *source, DIR *folder, nfi_listing *files, nfi_listing *others)
{
    nf_status status = NF_OK;
    while (status >= 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL)
            return errno != 0 ? nfi_source_fail_io(source, "list", errno) : NF_OK;
        nfi_listing *list = is_png_name(entry->d_name) ? files : others;
        if (entry->d_name[0] != '.' && list != NULL)
            status = add(list, source->context, source->name, entry->d_name);
    }
    return status;
}

/* *is_folder false: source->name is something else, which is no error when the pointer is given. */
static nf_status list_folder(const nfi_source *source, nfi_listing *files, nfi_listing *others, bool *is_folder)
{
    DIR *folder = opendir(source->name);
    if (is_folder != NULL)
        *is_folder = folder != NULL;
    if (folder == NULL)
        return is_folder != NULL && errno == ENOTDIR ? NF_OK : nfi_source_fail_io(source, "list", errno);
    const nf_status status = list_open(source, folder, files, others);
    (void)closedir(folder);
    return status;
}

/* ---- classes --------------------------------------------------------------------------------------------------- */

static nf_status fail_empty(const nfi_source *source)
{
    return nfi_fail(NF_ERR_FORMAT, "%s: the folder %s holds no .png file", source->function, source->name);
}

/* The files of one of the other names, if it is a sub-folder. */
static nf_status list_class(const nfi_source *source, const char *path, nfi_listing *files, int64_t loose)
{
    nfi_source class = *source;
    bool is_folder = false;
    const int64_t first = files->n;
    class.name = path;
    const nf_status status = list_folder(&class, files, NULL, &is_folder);
    if (status < 0 || !is_folder)
        return status;
    if (loose > 0)
        return nfi_fail(NF_ERR_FORMAT, "%s: %s lies beside the sub-folder %s: pictures are all in the folder or all in sub-folders",
                        source->function, files->entries[0].path, path);
    if (files->n == first)
        return fail_empty(&class);
    sort(files, first);
    for (int64_t i = first; i < files->n; i++)
        files->entries[i].label = files->classes;
    files->classes++;
    return NF_OK;
}

nf_status nfi_folder_list(const nfi_source *source, nfi_listing *listing)
{
    nfi_listing others = {0};
    *listing = (nfi_listing){0};
    nf_status status = list_folder(source, listing, &others, NULL);
    const int64_t loose = listing->n;
    sort(listing, 0);
    sort(&others, 0);
    for (int64_t i = 0; status >= 0 && i < others.n; i++)
        status = list_class(source, others.entries[i].path, listing, loose);
    nfi_folder_free(&others, source->context);
    if (status >= 0 && listing->n == 0)
        status = fail_empty(source);
    if (status < 0)
        nfi_folder_free(listing, source->context);
    return status;
}
