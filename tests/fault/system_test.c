/* SPDX-License-Identifier: MIT
 *
 * system_test.c - the public calls that touch files, while the operating system refuses: each of its calls once, and for ever
 *
 * The program's own open, read, write, fstat, fsync, close and rename stand before the C library's and reach the system directly.
 */
#undef _FORTIFY_SOURCE /* its inline versions of read and write are in the way of ours */
#include "fault.h"
#include "pack.h"
#include <nflow/nflow.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local struct refusals {
    bool armed, forever;
    int at, calls, error;
    size_t piece; /* most bytes that a read or a write moves; 0: no limit */
} refusals;

static bool refused(void)
{
    const int call = refusals.armed ? refusals.calls++ : 0;

    if (!refusals.armed || call < refusals.at || (call > refusals.at && !refusals.forever)) return false;
    errno = refusals.error;
    return true;
}

static size_t piece(size_t n) { return refusals.armed && refusals.piece && n > refusals.piece ? refusals.piece : n; }

/* The names of the C library, declared there. */
int open(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    const int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    return refused() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t read(int file, void *to, size_t n) { return refused() ? -1 : syscall(SYS_read, file, to, piece(n)); }
ssize_t write(int file, const void *from, size_t n) { return refused() ? -1 : syscall(SYS_write, file, from, piece(n)); }
int fsync(int file) { return refused() ? -1 : (int)syscall(SYS_fsync, file); }
int rename(const char *from, const char *to) { return refused() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); }

int close(int file) /* closes even when it says that it failed */
{
    const bool fails = refused();
    const int error = errno, closed = (int)syscall(SYS_close, file);

    errno = fails ? error : errno;
    return fails ? -1 : closed;
}

/* Jobs */

typedef struct desk {
    nf_flow *flow;    /* saved over the old file */
    uint64_t old, new; /* hashes of the two files */
    const char *path;
} desk;

static nf_status job_save(const desk *d) { return nf_flow_save(d->flow, d->path); }

static nf_status job_load(const desk *d)
{
    nf_flow *out = NULL;
    const nf_status status = nf_flow_load(&out, NULL, d->path);

    if (!status != !!out) abort();
    nf_flow_unref(out);
    return status;
}

static nf_status job_verify(const desk *d)
{
    double error;
    int64_t rows;

    return nf_flow_verify(NULL, d->path, &error, &rows);
}

static nf_status read_table(const char *name, int64_t rows)
{
    char path[256];
    nf_dataset *out = NULL;

    (void)snprintf(path, sizeof path, "%s/%s", fault_folder(), name);
    const nf_status status = nf_dataset_load(&out, NULL, path, NULL);
    if (!status != !!out || (out && nf_dataset_rows(out) != rows)) abort();
    nf_dataset_unref(out);
    return status;
}

static nf_status job_csv(const desk *d) { (void)d; return read_table("table.csv", 200); }
static nf_status job_npy(const desk *d) { (void)d; return read_table("table.npy", 2); }

static nf_status job_labels(const desk *d)
{
    char table_path[256], path[256];
    nf_dataset *out = NULL;

    (void)d;
    (void)snprintf(table_path, sizeof table_path, "%s/table.npy", fault_folder());
    (void)snprintf(path, sizeof path, "%s/labels", fault_folder());
    const nf_status status = nf_dataset_load(&out, NULL, table_path, &(nf_read_config){ .struct_size = sizeof(nf_read_config), .labels = path });
    if (!status != !!out || (out && nf_dataset_cond_dim(out) != 2)) abort();
    nf_dataset_unref(out);
    return status;
}

#ifdef NFLOW_PNG
static nf_status job_pictures(const desk *d) { (void)d; return read_table("", 2); } /* the folder: two pictures stand in it */
#endif

static nf_status job_fit(const desk *d)
{
    nf_fit_config config = NF_FIT_CONFIG_INIT;
    nf_flow *flow = fault_trained_flow(NULL, NF_F32);

    config.epochs = 2;
    config.batch = 45;
    config.checkpoint = d->path;
    config.checkpoint_epochs = 1;
    const nf_status status = fault_train(flow, &config, NULL);
    nf_flow_unref(flow);
    return status;
}

static nf_status flat_density(void *user, int64_t n, int64_t dim, const double *x, const double *cond, double *log_p, double *grad)
{
    (void)user, (void)x, (void)cond;
    memset(log_p, 0, (size_t)n * sizeof *log_p);
    if (grad) memset(grad, 0, (size_t)(n * dim) * sizeof *grad);
    return NF_OK;
}

static nf_status job_target(const desk *d)
{
    const nf_target_config config = { .struct_size = sizeof config, .steps = 4, .batch = 16, .round_steps = 2, .report_draws = 16,
                                      .checkpoint = d->path, .checkpoint_rounds = 1 };
    nf_flow *flow = fault_trained_flow(NULL, NF_F32);
    nf_optimizer *optimizer = NULL;
    nf_status status = nf_optimizer_adam_create(&optimizer, NULL, NULL);

    if (!status) status = nf_flow_fit_target(flow, optimizer, flat_density, NULL, NULL, &config, NULL);
    nf_optimizer_unref(optimizer);
    nf_flow_unref(flow);
    return status;
}

enum { WRITES = 1, ANY_WHOLE = 2 };
static const struct { const char *name; nf_status (*run)(const desk *d); int kind; } table[] = {
    { "nf_flow_save", job_save, WRITES }, { "nf_flow_load", job_load, 0 }, { "nf_flow_verify", job_verify, 0 },
    { "nf_dataset_load csv", job_csv, 0 }, { "nf_dataset_load npy", job_npy, 0 },
    { "nf_dataset_load labels", job_labels, 0 },
#ifdef NFLOW_PNG
    { "nf_dataset_load pictures", job_pictures, 0 },
#endif
    { "nf_flow_fit checkpoint", job_fit, WRITES | ANY_WHOLE },
    { "nf_flow_fit_target checkpoint", job_target, WRITES | ANY_WHOLE },
};

static void files_write(const desk *d, const void *model, int64_t size)
{
    static const char npy[] = "\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }          \n\0\0\x80?\0\0\0@";
    char csv[1600] = "", path[256];

    for (int i = 0; i < 200; i++) (void)snprintf(csv + strlen(csv), sizeof csv - strlen(csv), "%d,%d\n", i, i % 7);
    (void)snprintf(path, sizeof path, "%s/table.csv", fault_folder());
    if (!fault_write_file(path, csv, (int64_t)strlen(csv))) abort();
    for (int i = 0; i < 2; i++) {
        static const pack_picture picture = { .height = 1, .width = 2, .bits = 8, .lines = "\0\1\2", .n = 3 };
        unsigned char file[128];
        (void)snprintf(path, sizeof path, "%s/%d.png", fault_folder(), i);
        if (!fault_write_file(path, file, pack_png(file, &picture))) abort();
    }
    (void)snprintf(path, sizeof path, "%s/labels", fault_folder());
    if (!fault_write_file(path, "\0\0\x08\1\0\0\0\2\1\0", 10)) abort();
    (void)snprintf(path, sizeof path, "%s/table.npy", fault_folder());
    if (!fault_write_file(path, npy, sizeof npy - 1) || !fault_write_file(d->path, model, size)) abort();
}

static int open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;

    if (!folder) return 0;
    while (readdir(folder)) n++;
    (void)closedir(folder);
    return n;
}

static uint64_t file_hash(const char *path)
{
    int64_t size;
    void *bytes = fault_read_file(path, &size);
    const uint64_t hash = bytes ? fault_hash_bytes(0, bytes, size) : 0;

    free(bytes);
    return hash;
}

/* A file that is neither the old one nor what a whole run writes. */
static bool is_whole(const desk *d, int kind)
{
    const uint64_t hash = file_hash(d->path);
    nf_flow *flow = NULL;

    if (hash == d->old || (!(kind & ANY_WHOLE) && hash == d->new)) return true;
    if (!(kind & ANY_WHOLE)) return false;
    const bool loads = nf_flow_load(&flow, NULL, d->path) == NF_OK; /* a checkpoint of an earlier epoch */
    nf_flow_unref(flow);
    return loads;
}

/* A checkpoint keeps the one before: the old file or an earlier checkpoint, whole. It is taken away, so that what else is left counts. */
static bool previous_is_whole(const desk *d, int kind)
{
    char path[180];
    desk previous = *d;

    (void)snprintf(path, sizeof path, "%s.previous", d->path);
    if (access(path, F_OK)) return true;
    previous.path = path;
    const bool whole = (kind & ANY_WHOLE) && is_whole(&previous, kind);
    (void)unlink(path);
    return whole;
}

static bool refuse_once(fault_log *log, const desk *d, int job, const void *model, int64_t size, bool *more)
{
    char what[100];
    const int files = (files_write(d, model, size), fault_files()), opened = open_files();

    (void)snprintf(what, sizeof what, "%s, call %d, %s", table[job].name, refusals.at, strerror(refusals.error));
    fault_mark();
    refusals.calls = 0;
    refusals.armed = true;
    const nf_status status = table[job].run(d);
    refusals.armed = false;
    *more = refusals.calls > refusals.at;
    log->points += *more;
    if (status != NF_OK && !fault_said(log, what, status, refusals.error == ENOMEM ? NF_ERR_MEMORY : NF_ERR_IO)) return false;
    if (!is_whole(d, table[job].kind)) return fault_fails(log, "%s: the file is neither old nor new", what);
    if (!previous_is_whole(d, table[job].kind)) return fault_fails(log, "%s: the kept checkpoint is not whole, or not wanted", what);
    if (fault_files() != files) return fault_fails(log, "%s: %d files, %d before", what, fault_files(), files);
    return open_files() == opened || fault_fails(log, "%s: a descriptor stays open", what);
}

static void desk_open(desk *d, void **model, int64_t *size)
{
    static char path[160];

    (void)snprintf(path, sizeof path, "%s/model", fault_folder());
    d->path = path;
    d->flow = fault_flow(NULL, &fault_samples[0], NF_F32);
    *model = fault_model(d->flow, size);
    d->new = fault_hash_bytes(0, *model, *size);
    support_perturb(d->flow, 0.1, 77);
    free(*model);
    *model = fault_model(d->flow, size);
    d->old = fault_hash_bytes(0, *model, *size);
    nf_flow_unref(d->flow);
    d->flow = fault_flow(NULL, &fault_samples[0], NF_F32);
}

static bool case_refusals(fault_log *log)
{
    static const int errors[] = { EIO, ENOSPC, EINTR, EACCES, EMFILE, EDQUOT };
    static const size_t pieces[] = { 0, 300 };
    desk d;
    void *model;
    int64_t size;
    bool ok = true;

    desk_open(&d, &model, &size);
    for (int k = 0; k < SUPPORT_COUNT(table) * SUPPORT_COUNT(errors) * SUPPORT_COUNT(pieces) * 2 && ok; k++) {
        const int job = k / 2 / SUPPORT_COUNT(pieces) / SUPPORT_COUNT(errors);
        bool more = true;
        refusals = (struct refusals){ .error = errors[k / 2 / SUPPORT_COUNT(pieces) % SUPPORT_COUNT(errors)],
                                      .piece = pieces[k / 2 % SUPPORT_COUNT(pieces)], .forever = k % 2 };
        if (refusals.forever && refusals.error == EINTR) continue; /* tried again for ever, as it should be */
        for (; more && ok; refusals.at++) ok = refuse_once(log, &d, job, model, size, &more);
    }
    nf_flow_unref(d.flow);
    free(model);
    return ok && (log->points > 500 || fault_fails(log, "only %lld points", (long long)log->points));
}

/* Control: calls that were refused nothing succeed, and a file that was cut is seen. */
static bool case_control(fault_log *log)
{
    desk d;
    void *model;
    int64_t size;
    bool ok = true;

    desk_open(&d, &model, &size);
    files_write(&d, model, size);
    for (int i = 0; i < SUPPORT_COUNT(table) && ok; i++, log->points++) ok = fault_said(log, table[i].name, table[i].run(&d), NF_OK);
    if (!fault_write_file(d.path, model, size - 1)) abort();
    if (ok && (is_whole(&d, 0) || is_whole(&d, ANY_WHOLE))) ok = fault_fails(log, "a file that was cut is not seen");
    nf_flow_unref(d.flow);
    free(model);
    return ok;
}

static const fault_case cases[] = {
    { "system__a_refused_call_is_named_and_loses_nothing", case_refusals },
    { "system__control_a_cut_file_is_seen", case_control },
};

int main(int argc, char **argv) { return fault_main(cases, SUPPORT_COUNT(cases), argc, argv); }
