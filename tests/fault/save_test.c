/* SPDX-License-Identifier: MIT
 *
 * save_test.c - the system refuses, or the process dies, while a model is saved: the old file or the new one stands, whole
 *
 * tests/io has the first of these for plain bytes; here whole models are saved, with more faults, simulated power cuts, full
 * disks, and several savers.
 */
#include "fault.h"
#include "flow/flow.h"
#include "io/model.h"
#include <nflow/model.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two flows whose files tell them apart, one of tables and one of images, and the files. */
static nf_flow *flows[2];
static void *files[2];
static int64_t sizes[2];

static void models_open(void)
{
    for (int i = 0; i < 2; i++) {
        flows[i] = i ? fault_image_flow(NULL, 0, NF_F32) : fault_flow(NULL, &fault_samples[0], NF_F32);
        support_perturb(flows[i], 0.1, 40 + (uint64_t)i);
        files[i] = fault_model(flows[i], &sizes[i]);
    }
}

static void models_close(void)
{
    for (int i = 0; i < 2; i++) {
        nf_flow_unref(flows[i]);
        free(files[i]);
    }
}

/* Which of the two models stands at `path`: 0, 1, or -1 neither. */
static int standing(const char *path)
{
    int64_t size;
    void *bytes = fault_read_file(path, &size);
    int which = -1;

    for (int i = 0; bytes && i < 2; i++)
        if (size == sizes[i] && memcmp(bytes, files[i], (size_t)size) == 0) which = i;
    free(bytes);
    return which;
}

/* Faults of system calls: number `at` fails, or all from there on; writes and reads move at most `piece` bytes. */
static struct faults {
    int at, calls, error;
    bool forever;
    size_t piece;
} faults;

static bool fault_now(void)
{
    const int call = faults.calls++;

    if (call < faults.at || (call > faults.at && !faults.forever)) return false;
    errno = faults.error;
    return true;
}

static size_t fault_piece(size_t n) { return faults.piece && n > faults.piece ? faults.piece : n; }

static int f_open(const char *path, int flags, mode_t mode) { return fault_now() ? -1 : nfi_io_system.open(path, flags, mode); }
static int f_fstat(int file, struct stat *out) { return fault_now() ? -1 : nfi_io_system.fstat(file, out); }
static int f_lstat(const char *path, struct stat *out) { return fault_now() ? -1 : nfi_io_system.lstat(path, out); }
static ssize_t f_read(int file, void *to, size_t n) { return fault_now() ? -1 : nfi_io_system.read(file, to, fault_piece(n)); }
static ssize_t f_write(int file, const void *from, size_t n) { return fault_now() ? -1 : nfi_io_system.write(file, from, fault_piece(n)); }
static int f_fchmod(int file, mode_t mode) { return fault_now() ? -1 : nfi_io_system.fchmod(file, mode); }
static int f_fsync(int file) { return fault_now() ? -1 : nfi_io_system.fsync(file); }
static int f_rename(const char *from, const char *to) { return fault_now() ? -1 : nfi_io_system.rename(from, to); }
static char *f_realpath(const char *path, char *to) { return fault_now() ? NULL : nfi_io_system.realpath(path, to); }

static int f_close(int file) /* closes even when it says that it failed */
{
    const bool fails = fault_now();
    const int error = errno, closed = nfi_io_system.close(file);

    errno = fails ? error : errno;
    return fails ? -1 : closed;
}

static const nfi_io_ops faulty = { f_open, f_fstat, f_lstat, f_read, f_write, f_fchmod, f_fsync, f_close, f_rename, unlink, f_realpath };

typedef nf_status (*saver)(const nfi_io_ops *ops, const nf_flow *flow, const char *path);

static nf_status save_with(const nfi_io_ops *ops, const nf_flow *flow, const char *path)
{
    const nfi_model_parts parts = { 0 };

    return nfi_model_save(ops, flow, &parts, path, "nf_flow_save");
}

/* What stands in the way: nothing, an old file, a link to one. */
enum { TARGET_NEW, TARGET_OLD, TARGET_LINK, TARGETS };

static const char *target_prepare(int target)
{
    const char *path = fault_path("model"), *link = fault_path("link");

    fault_clean();
    if (target != TARGET_NEW && !fault_write_file(path, files[0], sizes[0])) abort();
    if (target == TARGET_LINK && symlink("model", link)) abort();
    return target == TARGET_LINK ? link : path;
}

/* One fault. *reached: it took place. */
static bool save_fault(fault_log *log, saver save, int target, bool *reached)
{
    const char *path = target_prepare(target);
    const int before = fault_files();

    fault_mark();
    faults.calls = 0;
    const nf_status status = save(&faulty, flows[1], path);
    const int which = standing(path), after = fault_files();
    const bool late = status < 0 && strstr(nf_last_error(), "fsync the folder") && which == 1; /* it says so: the new one stands already */
    *reached = faults.calls > faults.at;
    if (status == NF_OK && which != 1) return fault_fails(log, "call %d, %s: saved, and another file stands", faults.at, strerror(faults.error));
    if (status < 0 && !late && which != (target == TARGET_NEW ? -1 : 0))
        return fault_fails(log, "call %d, %s: the old file is lost", faults.at, strerror(faults.error));
    if (after != before + (target == TARGET_NEW && which == 1)) return fault_fails(log, "call %d, %s: %d files, %d before", faults.at, strerror(faults.error), after, before);
    return status == NF_OK || fault_said(log, "save", status, faults.error == ENOMEM ? NF_ERR_MEMORY : NF_ERR_IO);
}

static bool save_faults(fault_log *log, saver save)
{
    static const int errors[] = { EIO, ENOSPC, EINTR, EDQUOT, EFBIG, EACCES, EROFS, EMFILE, ENOMEM, EPERM };
    static const size_t pieces[] = { 0, 500, 97 };
    bool ok = true;

    for (int e = 0; e < SUPPORT_COUNT(errors); e++)
        for (int k = 0; k < TARGETS * SUPPORT_COUNT(pieces) * 2; k++) {
            bool reached = true;
            faults = (struct faults){ .error = errors[e], .piece = pieces[k / 2 % SUPPORT_COUNT(pieces)], .forever = k % 2 };
            if (faults.forever && errors[e] == EINTR) continue; /* tried again for ever, as it should be */
            for (faults.at = 0; reached && ok; faults.at++, log->points++) ok = save_fault(log, save, k / 2 / SUPPORT_COUNT(pieces), &reached);
            if (!ok) return false;
        }
    return true;
}

static bool case_faults(fault_log *log)
{
    models_open();
    const bool ok = save_faults(log, save_with);
    models_close();
    return ok && (log->points >= 3000 || fault_fails(log, "only %lld points", (long long)log->points));
}

/* Control: saving by overwriting. */
static nf_status save_in_place(const nfi_io_ops *ops, const nf_flow *flow, const char *path)
{
    const int which = flow == flows[1], file = ops->open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int64_t done = 0;
    ssize_t n = 1;

    if (file < 0) return nf_fail(NF_ERR_IO, "control: open");
    for (; done < sizes[which] && n > 0; done += n > 0 ? n : 0) n = ops->write(file, (const char *)files[which] + done, (size_t)(sizes[which] - done));
    (void)ops->close(file);
    return done == sizes[which] ? NF_OK : nf_fail(NF_ERR_IO, "control: write");
}

static bool case_faults_control(fault_log *log)
{
    fault_log own = { 0 };

    models_open();
    const bool ok = !save_faults(&own, save_in_place) || fault_fails(log, "overwriting is not caught");
    models_close();
    return ok;
}

/* Power cuts: what may be on the disk at each moment, from the log of calls */

enum { OP_CREATE, OP_WRITE, OP_SYNC, OP_RENAME, OP_SYNC_FOLDER };
static struct disk_log {
    int n, folder; /* folder: the descriptor that is one */
    struct { int kind; int64_t bytes; } op[512];
    bool skip_sync; /* control: a writer that does not call fsync */
} disk;

static void disk_record(int kind, int64_t bytes)
{
    if (disk.n < SUPPORT_COUNT(disk.op)) disk.op[disk.n].kind = kind, disk.op[disk.n++].bytes = bytes;
}

static int d_open(const char *path, int flags, mode_t mode)
{
    const int file = nfi_io_system.open(path, flags, mode);

    if (file >= 0 && flags & O_CREAT) disk_record(OP_CREATE, 0);
    if (file >= 0 && flags & O_DIRECTORY) disk.folder = file;
    return file;
}

static ssize_t d_write(int file, const void *from, size_t n)
{
    const ssize_t done = nfi_io_system.write(file, from, n > 20 ? 20 : n);

    if (done > 0) disk_record(OP_WRITE, done);
    return done;
}

static int d_fsync(int file)
{
    if (!disk.skip_sync) disk_record(file == disk.folder ? OP_SYNC_FOLDER : OP_SYNC, 0);
    return nfi_io_system.fsync(file);
}

static int d_rename(const char *from, const char *to)
{
    disk_record(OP_RENAME, 0);
    return nfi_io_system.rename(from, to);
}

/* After `prefix` calls the power goes; the file's unsynced bytes are kept, lost or half there, a rename whose folder is not synced is
 * kept or lost. Whether old or new stands whole. */
static bool disk_is_whole(int prefix, int unsynced, bool keep_rename)
{
    int64_t written = 0, synced = 0;
    bool renamed = false, rename_synced = false;

    for (int i = 0; i < prefix; i++) {
        if (disk.op[i].kind == OP_WRITE) written += disk.op[i].bytes;
        if (disk.op[i].kind == OP_SYNC) synced = written;
        if (disk.op[i].kind == OP_RENAME) renamed = true;
        if (disk.op[i].kind == OP_SYNC_FOLDER) rename_synced = renamed;
    }
    if (!renamed || (!rename_synced && !keep_rename)) return true; /* the old one */
    const int64_t lost = unsynced == 0 ? 0 : unsynced == 1 ? written - synced : (written - synced + 1) / 2;
    return written - lost == sizes[1];
}

static int disk_broken(fault_log *log, bool skip_sync)
{
    const nfi_io_ops recording = { d_open, fstat, lstat, read, d_write, fchmod, d_fsync, close, d_rename, unlink, realpath };
    int broken = 0;

    disk = (struct disk_log){ .skip_sync = skip_sync, .folder = -1 };
    if (save_with(&recording, flows[1], target_prepare(TARGET_OLD))) abort();
    for (int state = 0; state < (disk.n + 1) * 6; state++, log->points++) broken += !disk_is_whole(state / 6, state % 3, state / 3 % 2 == 0);
    return broken;
}

static bool case_power(fault_log *log)
{
    models_open();
    const int broken = disk_broken(log, false), control = disk_broken(log, true);
    models_close();
    if (log->points < 600) return fault_fails(log, "only %lld states of two saves", (long long)log->points);
    if (broken) return fault_fails(log, "%d states are neither old nor new", broken);
    return control > 0 || fault_fails(log, "a writer without fsync is not caught");
}

/* Kills */

static void child_saves(bool in_place, const char *path)
{
    for (int i = 0;; i++) {
        if (in_place) (void)save_in_place(&nfi_io_system, flows[i % 2], path);
        else (void)nf_flow_save(flows[i % 2], path);
    }
}

/* Kills that leave neither the one nor the other. */
static int kills_lost(fault_log *log, int kills, bool in_place)
{
    const char *path = target_prepare(TARGET_OLD);
    int lost = 0;

    for (int i = 0; i < kills; i++, log->points++) {
        const pid_t child = fork();
        if (child == 0) child_saves(in_place, path);
        (void)usleep((useconds_t)(300 + i * 37 % 2000));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        lost += standing(path) < 0;
    }
    return lost;
}

static bool case_kills(fault_log *log)
{
    const int kills = fault_is_full() ? 20000 : 200;

    models_open();
    const int lost = kills_lost(log, kills, false), control = kills_lost(log, 100, true);
    models_close();
    (void)snprintf(log->note, sizeof log->note, "(%d kills, %d lost; control: 100 kills, %d lost)", kills, lost, control);
    if (lost) return fault_fails(log, "%d of %d kills lost the model", lost, kills);
    return control > 0 || fault_fails(log, "overwriting loses nothing: the test sees nothing");
}

/* Full disk: every size that the file may not pass. */
static int quota_child(const char *path, int64_t quota, const nf_flow *flow)
{
    const struct rlimit limit = { (rlim_t)quota, (rlim_t)quota };

    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit)) return 3;
    const nf_status status = nf_flow_save(flow, path);
    return status == NF_OK ? 0 : status == NF_ERR_IO && strstr(nf_last_error(), path) ? 1 : 2;
}

static bool case_full_disk(fault_log *log)
{
    bool ok = true;

    models_open();
    for (int i = 0; i <= 100 && ok; i++, log->points++) {
        const char *path = target_prepare(i % 2 ? TARGET_OLD : TARGET_NEW);
        const int64_t quota = sizes[1] * i / 100;
        const pid_t child = fork();
        int answer = 0;
        if (child == 0) _exit(quota_child(path, quota, flows[1]));
        (void)waitpid(child, &answer, 0);
        const int code = WIFEXITED(answer) ? WEXITSTATUS(answer) : -1, want = quota < sizes[1];
        if (code != want) ok = fault_fails(log, "%lld bytes allowed: code %d", (long long)quota, code);
        else if (standing(path) != (want ? (i % 2 ? 0 : -1) : 1)) ok = fault_fails(log, "%lld bytes allowed: the old file is lost", (long long)quota);
        else if (fault_files() != (i % 2 || !want)) ok = fault_fails(log, "%lld bytes allowed: %d files left", (long long)quota, fault_files());
    }
    models_close();
    return ok;
}

/* Several savers at one path */

static bool case_savers(fault_log *log)
{
    const int rounds = fault_is_full() ? 2000 : 200;
    const char *path;
    pid_t children[2];
    bool ok = true;

    models_open();
    path = target_prepare(TARGET_OLD);
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            int failed = 0;
            for (int k = 0; k < rounds; k++) failed += nf_flow_save(flows[i], path) != NF_OK;
            _exit(failed != 0);
        }
    }
    for (int running = 2; running > 0;) {
        int answer;
        const pid_t done = waitpid(-1, &answer, WNOHANG);
        if (done > 0) running--;
        if (done > 0 && answer) ok = fault_fails(log, "a saver failed");
        log->points++;
        if (standing(path) < 0) ok = fault_fails(log, "a reader saw neither model");
    }
    if (ok && fault_files() != 1) ok = fault_fails(log, "%d files left", fault_files());
    models_close();
    return ok;
}

/* A folder that may not be written: as another user, because root may all. */
static bool case_read_only(fault_log *log)
{
    const char *folder = fault_folder(), *path = fault_path("model");
    int answer = 0;

    models_open();
    if (!fault_write_file(path, files[0], sizes[0]) || chmod(folder, 0555)) abort();
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534))) _exit(9);
        const nf_status status = nf_flow_save(flows[1], path);
        _exit(status == NF_ERR_IO && strstr(nf_last_error(), path) && standing(path) == 0 ? 0 : 1);
    }
    (void)waitpid(child, &answer, 0);
    (void)chmod(folder, 0755);
    const bool whole = standing(path) == 0 && fault_files() == 1;
    models_close();
    log->points++;
    if (WIFEXITED(answer) && WEXITSTATUS(answer) == 9) return fault_skips(log, "no other user to become");
    return (answer == 0 && whole) || fault_fails(log, "child's answer %d, whole %d", answer, whole);
}

static const fault_case cases[] = {
    { "save__a_refused_call_leaves_old_or_new", case_faults },
    { "save__control_overwriting_is_caught", case_faults_control },
    { "save__a_power_cut_leaves_old_or_new", case_power },
    { "save__a_kill_leaves_old_or_new", case_kills },
    { "save__a_full_disk_leaves_the_old", case_full_disk },
    { "save__two_savers_leave_one_of_theirs", case_savers },
    { "save__a_read_only_folder_keeps_the_old", case_read_only },
};

int main(int argc, char **argv) { return fault_main(cases, SUPPORT_COUNT(cases), argc, argv); }
