/* SPDX-License-Identifier: MIT
 *
 * fault.c - the runner of the fault tests, and their files
 */
#include "fault.h"
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char fault_marker[] = "the line of an earlier failure";
static char fault_folder_name[64];

bool fault_is_full(void)
{
    const char *full = getenv("NFLOW_TEST_FULL");

    return full && *full && strcmp(full, "0") != 0;
}

bool fault_fails(fault_log *log, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(log->why, sizeof log->why, format, args);
    va_end(args);
    return false;
}

bool fault_skips(fault_log *log, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(log->why, sizeof log->why, format, args);
    va_end(args);
    return log->skipped = true;
}

void fault_mark(void) { (void)nf_fail(NF_ERR_ARG, fault_marker); }

bool fault_said(fault_log *log, const char *what, nf_status status, nf_status expected)
{
    const char *line = nf_last_error();

    if (status != expected)
        return fault_fails(log, "%.150s: %s instead of %s: %.300s", what, nf_status_name(status), nf_status_name(expected),
                           status ? line : "");
    if (status != NF_OK && (!*line || strcmp(line, fault_marker) == 0))
        return fault_fails(log, "%.150s: %s without a line of its own", what, nf_status_name(status));
    return true;
}

static double fault_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool fault_is_chosen(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return argc < 2;
}

static bool fault_run(const fault_case *c)
{
    fault_log log = { 0 };
    const double start = fault_clock();
    const bool ok = c->run(&log);

    if (log.skipped)
        printf("skip  %-52s %s\n", c->name, log.why);
    else if (ok)
        printf("ok    %-52s %8lld points %6.1f s %s\n", c->name, (long long)log.points, fault_clock() - start, log.note);
    else
        printf("FAIL  %-52s after %lld points: %s\n", c->name, (long long)log.points, log.why);
    (void)fflush(stdout);
    fault_clean();
    return ok;
}

int fault_main(const fault_case *cases, int n, int argc, char **argv)
{
    int run = 0, failed = 0;

    for (int i = 0; i < n; i++) {
        if (!fault_is_chosen(cases[i].name, argc, argv)) continue;
        run++;
        failed += !fault_run(&cases[i]);
    }
    fault_remove();
    printf("%d passed, %d failed\n", run - failed, failed);
    return failed || !run;
}

/* Files */

const char *fault_folder(void)
{
    if (*fault_folder_name) return fault_folder_name;
    (void)strcpy(fault_folder_name, "/dev/shm/nflow-fault-XXXXXX"); /* where fsync costs nothing */
    if (mkdtemp(fault_folder_name)) return fault_folder_name;
    (void)strcpy(fault_folder_name, "/tmp/nflow-fault-XXXXXX");
    if (!mkdtemp(fault_folder_name)) abort();
    return fault_folder_name;
}

const char *fault_path(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", fault_folder(), name);
    return path;
}

static int folder_walk(const char *name, bool remove_all)
{
    DIR *folder = *name ? opendir(name) : NULL;
    char path[512];
    int n = 0;

    if (!folder) return 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        (void)snprintf(path, sizeof path, "%.250s/%.250s", name, entry->d_name);
        n++;
        if (!remove_all || unlink(path) == 0) continue;
        (void)folder_walk(path, true);
        (void)rmdir(path);
    }
    (void)closedir(folder);
    return n;
}

int fault_files(void) { return folder_walk(fault_folder_name, false); }
void fault_clean(void) { (void)folder_walk(fault_folder_name, true); }

void fault_remove(void)
{
    fault_clean();
    if (*fault_folder_name) (void)rmdir(fault_folder_name);
    *fault_folder_name = '\0';
}

bool fault_write_file(const char *path, const void *bytes, int64_t size)
{
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(bytes, 1, (size_t)size, file) == (size_t)size;

    return file ? !fclose(file) && ok : false;
}

void *fault_read_file(const char *path, int64_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    void *bytes = NULL;

    *size = 0;
    if (!file || fstat(fileno(file), &about)) return NULL;
    bytes = support_malloc(about.st_size);
    *size = (int64_t)fread(bytes, 1, (size_t)about.st_size, file);
    (void)fclose(file);
    return bytes;
}
