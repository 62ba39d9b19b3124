/* SPDX-License-Identifier: MIT
 *
 * fuzz_checkpoint.c - resuming a fit from a checkpoint
 */
#include "fuzz.h"
#include <nflow/train.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *const fuzz_words[] = { "\"optim.m\"", "\"train.best\"", "\\\"train.epoch\\\":9223372036854775807", "\\\"train.position\\\":-1", "nan",
                                   "\\\"inf\\\"", "null", "\\\"train.rows\\\":90", NULL };

void *fuzz_seed(int index, int64_t *size) { return index < 2 ? fault_checkpoint(index ? NF_F64 : NF_F32, size) : NULL; }
void fuzz_repair(unsigned char *bytes, int64_t size) { (void)fault_repair(bytes, size); }

/* A file that has no name but this. */
static int checkpoint_file(const uint8_t *data, size_t size, char *path, size_t capacity)
{
    const int file = memfd_create("checkpoint", MFD_CLOEXEC);

    if (file < 0 || pwrite(file, data, size, 0) != (ssize_t)size) fuzz_found("no file in memory");
    (void)snprintf(path, capacity, "/proc/self/fd/%d", file);
    return file;
}

static void checkpoint_finished(nf_flow *flow)
{
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8);

    fuzz_accepted++;
    if (nf_flow_get_params(flow, count, theta)) fuzz_found("%s", nf_last_error());
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(theta[i])) fuzz_found("parameter %lld is not finite after the run", (long long)i);
    free(theta);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nf_status allowed[] = { NF_ERR_FORMAT, NF_ERR_VERSION, NF_ERR_CORRUPT, NF_ERR_LIMIT, NF_ERR_OVERFLOW, NF_ERR_STATE, NF_OK };
    static nf_flow *flow;
    static double *start;
    static int64_t count;
    nf_fit_config config = NF_FIT_CONFIG_INIT;
    char path[64];
    const int file = checkpoint_file(data, size, path, sizeof path);

    if (!flow) {
        flow = fault_trained_flow(NULL, NF_F32);
        count = nf_flow_param_count(flow);
        start = support_malloc(count * 8);
        if (nf_flow_get_params(flow, count, start)) fuzz_found("%s", nf_last_error());
    }
    if (nf_flow_set_params(flow, count, start)) fuzz_found("%s", nf_last_error());
    const uint64_t before = fault_hash_flow(flow);
    config.epochs = 3;
    config.batch = 30;
    config.resume = path;
    fault_mark();
    const nf_status status = fault_train(flow, &config, NULL);
    if (status >= 0 || status == NF_ERR_DIVERGED) {
        checkpoint_finished(flow);
    } else {
        fuzz_check_failure(status, allowed, "resume");
        if (fault_hash_flow(flow) != before) fuzz_found("a refused checkpoint changed the flow: %s", nf_last_error());
    }
    (void)close(file);
    return 0;
}
