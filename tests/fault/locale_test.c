/* SPDX-License-Identifier: MIT
 *
 * locale_test.c - under locales whose decimal sign is a comma, or whose letters do not fold as ASCII's do, everything stays the same
 *
 * The locales are those installed, else made with localedef in a folder of the test's own (the process starts again with LOCPATH there).
 */
#include "fault.h"
#include <nflow/nflow.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
/* With LOCPATH set, glibc's setlocale keeps two small blocks of its own and forgets them. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:argz_add_sep"; }
#endif

static const char *const locale_names[] = { "de_DE", "tr_TR" };
#define LOCALE_AGAIN "NFLOW_LOCALE_FOLDER" /* set when the locales were made */

/* Numbers in messages, and a comma that is no decimal sign anywhere. */
static const char *lines_of_failures(void)
{
    static _Thread_local char lines[300];
    nf_dataset *data = NULL;
    nf_optimizer *optimizer = NULL;
    nf_base *base = NULL;

    memset(lines, 0, sizeof lines);
    (void)nf_dataset_load_memory(&data, NULL, "1;2\n1;1,5\n", 10, NULL);
    (void)snprintf(lines, 100, "%s", nf_last_error());
    (void)nf_optimizer_adam_create(&optimizer, NULL, &(const nf_adam_config){ .struct_size = sizeof(nf_adam_config), .beta1 = 1.5 });
    (void)snprintf(lines + 100, 100, "%s", nf_last_error());
    (void)nf_base_uniform_create(&base, NULL, 2, 1.5, 0.25);
    (void)snprintf(lines + 200, 100, "%s", nf_last_error());
    return lines;
}

/* Everything that reads or writes numbers or names: a hash of what comes out. */
static uint64_t scenario(void)
{
    static const char table[] = "WIDTH,title\n1.5,-2.25e-3\n0.12345678901234567,1e300\n3.25,0.5\n";
    nf_dataset *data = NULL;
    nf_flow *flow = NULL, *back = NULL, *described = NULL;
    double x[6];
    int64_t size = 0;
    uint64_t hash = 0;
    const char *model = fault_path("model"), *csv = fault_path("TITLE.CSV");

    if (!fault_write_file(csv, table, sizeof table - 1)) abort();
    if (nf_dataset_load(&data, NULL, csv, NULL) || nf_dataset_copy_f64(data, 0, 3, x, NULL)) return 1;
    hash = fault_hash_bytes(hash, x, sizeof x);
    for (int i = 0; i < fault_sample_count; i++) {
        char text[2048];
        flow = fault_flow(NULL, &fault_samples[i], NF_F64);
        void *bytes = fault_model(flow, &size);
        hash = fault_hash_bytes(hash, bytes, size);
        if (nf_flow_save(flow, model) || nf_flow_load(&back, NULL, model)) return 2;
        hash = fault_hash_bytes(hash, &(uint64_t){ fault_hash_flow(back) }, 8);
        if (nf_flow_to_json(back, text, sizeof text, &size) || nf_flow_from_json(&described, NULL, text)) return 3;
        hash = fault_hash_bytes(hash, text, size);
        free(bytes);
        nf_flow_unref(flow), nf_flow_unref(back), nf_flow_unref(described);
    }
    hash = fault_hash_bytes(hash, lines_of_failures(), 300);
    nf_dataset_unref(data);
    return hash;
}

static bool comma_is_there(void)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    return strchr(text, ',') != NULL;
}

static const char *locale_set(const char *name)
{
    static const char *const endings[] = { ".UTF-8", ".utf8", "" };
    static char full[64];

    for (int i = 0; i < SUPPORT_COUNT(endings); i++) {
        (void)snprintf(full, sizeof full, "%s%s", name, endings[i]);
        if (setlocale(LC_ALL, full)) return full;
    }
    return NULL;
}

static bool case_process(fault_log *log)
{
    const uint64_t want = scenario();
    bool ok = true;

    for (int i = 0; i < SUPPORT_COUNT(locale_names) && ok; i++) {
        if (!locale_set(locale_names[i])) return fault_skips(log, "no locale %s is installed and localedef cannot make it", locale_names[i]);
        if (!comma_is_there()) ok = fault_fails(log, "control: %s has no decimal comma", locale_names[i]);
        else if (scenario() != want) ok = fault_fails(log, "%s changes what is read or written", locale_names[i]);
        log->points++;
        (void)setlocale(LC_ALL, "C");
    }
    return ok;
}

static void *scenario_in_thread(void *arg)
{
    static uint64_t hash;
    const locale_t locale = newlocale(LC_ALL_MASK, arg, (locale_t)0);

    if (locale == (locale_t)0) return NULL;
    (void)uselocale(locale);
    hash = comma_is_there() ? scenario() : 4;
    (void)uselocale(LC_GLOBAL_LOCALE);
    freelocale(locale);
    return &hash;
}

static bool case_thread(fault_log *log)
{
    const uint64_t want = scenario();

    for (int i = 0; i < SUPPORT_COUNT(locale_names); i++, log->points++) {
        const char *name = locale_set(locale_names[i]);
        char copy[64];
        pthread_t thread;
        void *got = NULL;
        if (!name) return fault_skips(log, "no locale %s is installed and localedef cannot make it", locale_names[i]);
        (void)snprintf(copy, sizeof copy, "%s", name);
        (void)setlocale(LC_ALL, "C");
        if (pthread_create(&thread, NULL, scenario_in_thread, copy) || pthread_join(thread, &got)) abort();
        if (!got || *(const uint64_t *)got != want) return fault_fails(log, "%s in a thread changes what is read or written", copy);
    }
    return true;
}

static const fault_case cases[] = {
    { "locale__setlocale_changes_nothing", case_process },
    { "locale__uselocale_changes_nothing", case_thread },
};

/* Makes the locales that are missing; true: start again, so that they are found. */
static bool locales_make(void)
{
    char command[400];
    bool made = false;

    if (getenv(LOCALE_AGAIN)) return false;
    for (int i = 0; i < SUPPORT_COUNT(locale_names); i++) {
        if (locale_set(locale_names[i])) continue;
        (void)snprintf(command, sizeof command, "localedef -i %s -f UTF-8 %s/%s.UTF-8 >/dev/null 2>&1", locale_names[i], fault_folder(), locale_names[i]);
        made |= system(command) == 0; /* NOLINT: names of this file */
    }
    (void)setlocale(LC_ALL, "C");
    return made;
}

int main(int argc, char **argv)
{
    char command[200];

    if (locales_make() && setenv("LOCPATH", fault_folder(), 1) == 0 && setenv(LOCALE_AGAIN, fault_folder(), 1) == 0) (void)execv(argv[0], argv);
    const int code = fault_main(cases, SUPPORT_COUNT(cases), argc, argv);
    const char *folder = getenv(LOCALE_AGAIN);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder ? folder : "");
    if (folder && strstr(folder, "/nflow-fault-")) (void)!system(command); /* NOLINT: made above */
    return code;
}
