/* SPDX-License-Identifier: MIT
 *
 * driver.c - runs a fuzz target without libFuzzer
 *
 *   fuzz_x [-seconds=S] [-runs=N] [-seed=K] [-first=I] [file ...]
 *
 * Files are tried as they are. Without files, run I tries the I-th input: a seed of the target changed by a generator that
 * starts from (K, I), so a finding is repeated by its number. The input of a finding is left in crash-<I>.
 */
#include "mutate.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRIVER_SEEDS 64
#define DRIVER_SLOW 1.0 /* seconds of processor time that no input may take */

static struct driver {
    unsigned char *seeds[DRIVER_SEEDS];
    int64_t sizes[DRIVER_SEEDS];
    int n_seeds;
    fuzz_input input;
    long long run;
} driver;

static double driver_clock(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Leaves the input that ended the program. */
static void driver_crashed(int number)
{
    char path[64];

    (void)snprintf(path, sizeof path, "crash-%lld", driver.run);
    (void)fprintf(stderr, "run %lld, signal %d: the input is in %s\n", driver.run, number, path);
    (void)fault_write_file(path, driver.input.bytes, driver.input.size);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void driver_read_seeds(void)
{
    void *bytes;
    int64_t size;

    while (driver.n_seeds < DRIVER_SEEDS && (bytes = fuzz_seed(driver.n_seeds, &size))) {
        driver.seeds[driver.n_seeds] = bytes;
        driver.sizes[driver.n_seeds++] = size;
    }
}

/* In a block of exactly its size, so that a read past the end is seen. */
static void driver_try(const void *bytes, int64_t size)
{
    unsigned char *exact = support_malloc(size);
    const double start = driver_clock(CLOCK_PROCESS_CPUTIME_ID);

    memcpy(exact, bytes, (size_t)size);
    (void)LLVMFuzzerTestOneInput(exact, (size_t)size);
    free(exact);
    if (driver_clock(CLOCK_PROCESS_CPUTIME_ID) - start > DRIVER_SLOW) fuzz_found("the input takes more than %g s", DRIVER_SLOW);
}

static void driver_run(uint64_t seed, long long run)
{
    fuzz_input *in = &driver.input;
    uint64_t random = seed * 0x9e3779b97f4a7c15u + (uint64_t)run;
    const int own = (int)(random_bits(&random) % (uint64_t)driver.n_seeds), other = (int)(random_bits(&random) % (uint64_t)driver.n_seeds);

    driver.run = run;
    in->random = random_bits(&random);
    in->size = driver.sizes[own];
    memcpy(in->bytes, driver.seeds[own], (size_t)in->size);
    if (run >= driver.n_seeds) fuzz_mutate(in, driver.seeds[other], driver.sizes[other]);
    if (random_bits(&random) % 8) fuzz_repair(in->bytes, in->size);
    driver_try(in->bytes, in->size);
}

static void driver_file(const char *path)
{
    int64_t size;
    void *bytes = fault_read_file(path, &size);

    if (!bytes) fuzz_found("cannot read %s", path);
    driver_try(bytes, size);
    free(bytes);
}

int main(int argc, char **argv)
{
    double seconds = 3;
    long long runs = 0, first = 0, done = 0;
    uint64_t seed = 1;

    driver.input.bytes = support_malloc(FUZZ_MOST);
    (void)signal(SIGABRT, driver_crashed);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-seconds=", 9) == 0) seconds = atof(argv[i] + 9);
        else if (strncmp(argv[i], "-runs=", 6) == 0) runs = atoll(argv[i] + 6);
        else if (strncmp(argv[i], "-seed=", 6) == 0) seed = strtoull(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "-first=", 7) == 0) first = atoll(argv[i] + 7);
        else driver_file(argv[i]), done++;
    }
    if (done) return printf("%lld files tried\n", done) < 0;
    driver_read_seeds();
    if (!driver.n_seeds) fuzz_found("the target has no seeds");
    const double start = driver_clock(CLOCK_MONOTONIC);
    while (runs ? done < runs : driver_clock(CLOCK_MONOTONIC) - start < seconds) driver_run(seed, first + done++);
    printf("%lld inputs of %d seeds, %lld accepted, %.1f s\n", done, driver.n_seeds, fuzz_accepted, driver_clock(CLOCK_MONOTONIC) - start);
    for (int i = 0; i < driver.n_seeds; i++) free(driver.seeds[i]);
    free(driver.input.bytes);
    fault_remove();
    return fuzz_accepted == 0;
}
