/* SPDX-License-Identifier: MIT
 *
 * samples.c - small flows of every kind, their files, and checksums put right
 */
#include "fault.h"
#include "io/crc32c.h"
#include "io/model.h"
#include <nflow/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_DIM 3
#define NORMAL "{\"type\":\"normal\",\"dim\":3}"
#define EMBEDDED NORMAL ",\"cond_dim\":2,\"condition\":{\"embed_hidden\":[2],\"embed_dim\":3,\"cond_mean\":[1,-2],\"cond_sd\":[2,0.5]}" /* with a stage of conditions */

/* A type without a sample fails the suite: see corruption_test.c. */
const fault_sample fault_samples[] = {
    { "coupling_affine", "{\"type\":\"coupling_affine\",\"dim\":3,\"hidden\":[4],\"random_last\":true}", NORMAL, FAULT_ANY },
    { "coupling_affine", "{\"type\":\"coupling_affine\",\"dim\":3,\"cond_dim\":2,\"hidden\":[3],\"separate\":true,\"swap\":true,"
                         "\"scale\":\"softclip\",\"activation\":\"silu\"}", NORMAL, FAULT_ANY },
    { "coupling_conv", "{\"type\":\"coupling_conv\",\"height\":1,\"width\":1,\"channels\":3,\"hidden\":2}", NORMAL, FAULT_ANY },
    { "coupling_conv", "{\"type\":\"coupling_conv\",\"height\":3,\"width\":1,\"channels\":1,\"mask\":\"checkerboard\",\"net\":\"residual\","
                       "\"cond_dim\":2,\"hidden\":2,\"blocks\":1,\"scale\":\"tanh\"}", NORMAL, FAULT_ANY },
    { "coupling_spline", "{\"type\":\"coupling_spline\",\"dim\":3,\"hidden\":[4],\"random_last\":true}", NORMAL, FAULT_ANY },
    { "coupling_spline", "{\"type\":\"coupling_spline\",\"dim\":3,\"cond_dim\":2,\"hidden\":[3],\"form\":\"free\",\"periodic\":[2,1],"
                         "\"bins\":3,\"swap\":true}", NORMAL, FAULT_ANY },
    { "split", "{\"type\":\"split\",\"height\":1,\"width\":1,\"channels\":3,\"keep\":2}", NORMAL, FAULT_ANY },
    { "permutation", "{\"type\":\"permutation\",\"dim\":3,\"seed\":\"5\"}", NORMAL, FAULT_ANY },
    { "actnorm", "{\"type\":\"actnorm\",\"dim\":3}", NORMAL, FAULT_ANY },
    { "affine", "{\"type\":\"affine\",\"dim\":3,\"bound\":0.5}", NORMAL, FAULT_ANY },
    { "standardise", "{\"type\":\"standardise\",\"dim\":3,\"mean\":[1,2,-3],\"sd\":[0.5,2,1]}", NORMAL, FAULT_ANY },
    { "logit", "{\"type\":\"logit\",\"dim\":3,\"alpha\":0.01}", NORMAL, FAULT_UNIT },
    { "linear", "{\"type\":\"linear\",\"dim\":3}", NORMAL, FAULT_ANY },
    { "linear", "{\"type\":\"linear\",\"dim\":3,\"form\":\"plain\"}", NORMAL, FAULT_ANY },
    { "householder", "{\"type\":\"householder\",\"dim\":3,\"reflections\":2}", NORMAL, FAULT_ANY },
    { "planar", "{\"type\":\"planar\",\"dim\":3}", NORMAL, FAULT_ANY },
    { "radial", "{\"type\":\"radial\",\"dim\":3}", NORMAL, FAULT_ANY },
    { "sylvester", "{\"type\":\"sylvester\",\"dim\":3,\"rank\":2,\"reflections\":3}", NORMAL, FAULT_ANY },
    { "invconv", "{\"type\":\"invconv\",\"height\":1,\"width\":1,\"channels\":3}", NORMAL, FAULT_ANY },
    { "squeeze", "{\"type\":\"squeeze\",\"height\":2,\"width\":2,\"channels\":1}", "{\"type\":\"normal\",\"dim\":4}", FAULT_ANY },
    { "dequantise", "{\"type\":\"dequantise\",\"dim\":3,\"bits\":5,\"shift\":0.5}", NORMAL, FAULT_WHOLE },
    { "columns", "{\"type\":\"columns\",\"dim\":3,\"kind\":[1,2,3],\"low\":[0,-1,0],\"high\":[0,0,1],\"alpha\":0.01}", NORMAL, FAULT_UNIT },
    { "columns", "{\"type\":\"columns\",\"dim\":3,\"kind\":[4,4,3],\"high\":[0,255,255]}", NORMAL, FAULT_WHOLE },
    { "columns", "{\"type\":\"columns\",\"dim\":3,\"kind\":[5,1,5],\"high\":[24,0,0],\"half_turn\":4.0}",
      "{\"type\":\"box\",\"dim\":3,\"low\":[-4,0,-4],\"high\":[4,0,4],\"normal\":[1]}", FAULT_ANY },
    { "cnf", "{\"type\":\"cnf\",\"dim\":3,\"hidden\":[4],\"end_time\":0.25}", NORMAL, FAULT_ANY },
    { "cnf", "{\"type\":\"cnf\",\"dim\":3,\"cond_dim\":2,\"hidden\":[2,3],\"solver\":\"rk4\",\"step\":0.1,\"activation\":\"softplus\","
             "\"time\":\"concat\",\"trace\":\"hutchinson\",\"probe\":\"gaussian\",\"probes\":2,\"end_time_fixed\":true,"
             "\"end_time\":0.25,\"kinetic\":0.1}", NORMAL, FAULT_ANY },
    { "autoregressive", "{\"type\":\"autoregressive\",\"dim\":3,\"cond_dim\":2,\"hidden\":[4],\"random_last\":true}", NORMAL, FAULT_ANY },
    { "autoregressive", "{\"type\":\"autoregressive\",\"dim\":3,\"hidden\":[5,4],\"transform\":\"spline\",\"bins\":3,\"direction\":\"inverse\","
                        "\"index\":[2,0,1],\"activation\":\"silu\"}", NORMAL, FAULT_ANY },
    { "coupling_affine", "{\"type\":\"coupling_affine\",\"dim\":3,\"cond_dim\":3,\"hidden\":[4],\"random_last\":true}", EMBEDDED, FAULT_ANY },
    { "normal", "", NORMAL, FAULT_ANY },
    { "normal", "", "{\"type\":\"normal\",\"dim\":3,\"columns\":[1,2],\"temperature\":[0.5,2.0]}", FAULT_ANY },
    { "diagonal", "", "{\"type\":\"diagonal\",\"dim\":3}", FAULT_ANY },
    { "uniform", "", "{\"type\":\"uniform\",\"dim\":3,\"low\":-5.0,\"high\":5.0}", FAULT_ANY },
    { "box", "", "{\"type\":\"box\",\"dim\":3,\"low\":[-5,-6,0],\"high\":[5,4,0],\"normal\":[2]}", FAULT_ANY },
    { "normal_full", "", "{\"type\":\"normal_full\",\"dim\":3}", FAULT_ANY },
    { "mixture", "", "{\"type\":\"mixture\",\"dim\":3,\"components\":2}", FAULT_ANY },
    { "student", "", "{\"type\":\"student\",\"dim\":3,\"df_fixed\":true}", FAULT_ANY },
    { "laplace", "", "{\"type\":\"laplace\",\"dim\":3}", FAULT_ANY },
    { "logistic", "", "{\"type\":\"logistic\",\"dim\":3,\"fixed\":true}", FAULT_ANY },
    { "normal_conditional", "", "{\"type\":\"normal_conditional\",\"dim\":3,\"cond_dim\":2,\"hidden\":[4],\"bound\":1.5,\"activation\":\"tanh\"}",
      FAULT_ANY },
};
const int fault_sample_count = SUPPORT_COUNT(fault_samples);

static nf_flow *sample_from_json(nf_context *context, const char *layers, const char *base, int32_t dtype)
{
    char text[1200];
    nf_flow *flow = NULL;

    (void)snprintf(text, sizeof text, "{\"format\":1,\"dtype\":\"%s\",\"seed\":\"7\",\"base\":%s,\"layers\":[%s]}",
                   dtype == NF_F32 ? "f32" : "f64", base, layers);
    if (nf_flow_from_json(&flow, context, text) != NF_OK) {
        (void)fprintf(stderr, "sample: %s\n%s\n", nf_last_error(), text);
        abort();
    }
    return flow;
}

nf_flow *fault_flow(nf_context *context, const fault_sample *sample, int32_t dtype)
{
    nf_flow *flow = sample_from_json(context, sample->layers, sample->base, dtype);

    support_perturb(flow, 0.2, 3);
    return flow;
}

nf_status fault_density(const nf_flow *flow, int32_t rows, double out[FAULT_ROWS])
{
    const int64_t dim = nf_flow_dim(flow), cond_dim = nf_flow_cond_dim(flow);
    double x[64], cond[64];
    float xf[64], cf[64];

    if (FAULT_ROWS * dim > 64 || FAULT_ROWS * cond_dim > 64) return NF_ERR_SHAPE;
    for (int i = 0; i < FAULT_ROWS * dim; i++) {
        const int k = i * 37 % 101;
        x[i] = rows == FAULT_UNIT ? (k + 0.5) / 102.0 : rows == FAULT_WHOLE ? 2 * k : k / 40.0 - 1.2;
    }
    for (int i = 0; i < FAULT_ROWS * cond_dim; i++) cond[i] = (i * 17 % 31) / 20.0;
    for (int i = 0; i < 64; i++) {
        xf[i] = i < FAULT_ROWS * dim ? (float)x[i] : 0.0f;
        cf[i] = i < FAULT_ROWS * cond_dim ? (float)cond[i] : 0.0f;
    }
    return nf_flow_dtype(flow) == NF_F32 ? nf_flow_log_prob(flow, FAULT_ROWS, xf, cond_dim ? cf : NULL, out)
                                         : nf_flow_log_prob_f64(flow, FAULT_ROWS, x, cond_dim ? cond : NULL, out);
}

nf_flow *fault_image_flow(nf_context *context, int kind, int32_t dtype)
{
    const nf_glow_config glow = { .struct_size = sizeof glow, .height = 2, .width = 2, .channels = 1, .steps = 1, .hidden = 2, .dtype = dtype };
    const nf_realnvp_image_config realnvp = { .struct_size = sizeof realnvp, .height = 2, .width = 2, .channels = 1, .hidden = 2, .blocks = 1,
                                              .dtype = dtype };
    nf_flow *flow = NULL;

    (void)(kind ? nf_flow_create_realnvp_image(&flow, context, &realnvp) : nf_flow_create_glow(&flow, context, &glow));
    return flow;
}

void *fault_model(const nf_flow *flow, int64_t *size)
{
    void *bytes;

    if (nf_flow_save_memory(flow, NULL, 0, size) != NF_OK) abort();
    bytes = support_malloc(*size);
    if (nf_flow_save_memory(flow, bytes, *size, size) != NF_OK) abort();
    return bytes;
}

/* Training */

nf_flow *fault_trained_flow(nf_context *context, int32_t dtype)
{
    return sample_from_json(context,
                            "{\"type\":\"actnorm\",\"dim\":2},"
                            "{\"type\":\"coupling_affine\",\"dim\":2,\"hidden\":[4],\"activation\":\"tanh\"},"
                            "{\"type\":\"coupling_affine\",\"dim\":2,\"hidden\":[4],\"activation\":\"tanh\",\"swap\":true}",
                            "{\"type\":\"normal\",\"dim\":2}", dtype);
}

nf_status fault_train(nf_flow *flow, const nf_fit_config *config, nf_fit_report *report)
{
    nf_dataset *data = NULL;
    nf_optimizer *optimizer = NULL;
    nf_status status = nf_dataset_synthetic(&data, NULL, "moons", 90, 0.1, 4);

    if (!status) status = nf_optimizer_adam_create(&optimizer, NULL, NULL);
    if (!status) status = nf_flow_fit(flow, optimizer, data, NULL, config, report);
    nf_optimizer_unref(optimizer);
    nf_dataset_unref(data);
    return status;
}

static int32_t sample_stop_midway(void *user, const nf_fit_progress *progress)
{
    (void)user;
    return progress->epoch == 2 && progress->step == 1; /* within the second epoch of three steps */
}

void *fault_checkpoint(int32_t dtype, int64_t *size)
{
    nf_fit_config config = NF_FIT_CONFIG_INIT;
    nf_flow *flow = fault_trained_flow(NULL, dtype);
    const char *path = fault_path("checkpoint");

    config.epochs = 4;
    config.batch = 30;
    config.progress_steps = 1;
    config.progress = sample_stop_midway;
    config.checkpoint = path;
    if (fault_train(flow, &config, NULL) != NF_STOPPED) {
        (void)fprintf(stderr, "checkpoint: %s\n", nf_last_error());
        abort();
    }
    nf_flow_unref(flow);
    void *bytes = fault_read_file(path, size);
    if (!bytes) abort();
    return bytes;
}

/* Checksums */

static void repair_one(unsigned char *header, int64_t header_size, const char *key, uint32_t crc)
{
    char quoted[64], text[16];
    unsigned char *at;

    (void)snprintf(quoted, sizeof quoted, "\"%s\":\"", key);
    at = memmem(header, (size_t)header_size, quoted, strlen(quoted));
    if (!at || at + strlen(quoted) + 15 > header + header_size) return;
    nfi_model_checksum_text(crc, text);
    memcpy(at + strlen(quoted), text, strlen(text));
}

static void repair_text(const nfi_container *container, unsigned char *header, int64_t size, const char *key, const char *checksum)
{
    const char *text = nfi_container_meta(container, key);

    if (text) repair_one(header, size, checksum, nfi_crc32c(0, text, (int64_t)strlen(text)));
}

bool fault_repair(unsigned char *bytes, int64_t size)
{
    nfi_container container;

    if (nfi_container_open(&container, NULL, bytes, size, "repair")) return false;
    const int64_t header = container.payload - bytes - 8;
    repair_one(bytes + 8, header, NFI_META_CHECKSUM, nfi_crc32c(0, container.payload, container.payload_size));
    repair_text(&container, bytes + 8, header, NFI_META_DESCRIPTION, NFI_META_DESCRIPTION_CHECKSUM);
    repair_text(&container, bytes + 8, header, NFI_META_CHECKPOINT, NFI_META_CHECKPOINT_CHECKSUM);
    nfi_container_close(&container);
    return true;
}

/* Hashes: FNV-1a */

uint64_t fault_hash_bytes(uint64_t hash, const void *bytes, int64_t size)
{
    const unsigned char *p = bytes;

    if (!hash) hash = 0xcbf29ce484222325u;
    for (int64_t i = 0; i < size; i++) hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

/* Parameters and description; what is derived from them, the packed weights, shows in the densities of the caller's own rows. */
uint64_t fault_hash_flow(const nf_flow *flow)
{
    const int64_t count = nf_flow_param_count(flow);
    double *theta = support_malloc(count * 8);
    uint64_t hash = 0;
    int64_t size = 0;

    if (nf_flow_get_params(flow, count, theta)) abort();
    hash = fault_hash_bytes(hash, theta, count * 8);
    free(theta);
    if (nf_flow_to_json(flow, NULL, 0, &size)) abort();
    char *text = support_malloc(size);
    if (nf_flow_to_json(flow, text, size, &size)) abort();
    hash = fault_hash_bytes(hash, text, size);
    free(text);
    return hash;
}
