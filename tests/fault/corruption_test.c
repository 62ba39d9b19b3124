/* SPDX-License-Identifier: MIT
 *
 * corruption_test.c - damaged model files: each bit, each length, each byte with the checksums put right
 *
 * Every file goes through nf_flow_load_memory in a block of exactly its size, so that a sanitiser sees a read past the end.
 * Checkpoints go through nf_flow_fit's resume too.
 */
#include "fault.h"
#include "io/model.h"
#include <nflow/flow.h>
#include <nflow/model.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct victim {
    const fault_sample *sample;
    int32_t dtype;
    unsigned char *bytes;
    int64_t size;
    double density[FAULT_ROWS];
    int64_t tried, accepted, flagged;
} victim;

static void victim_open(victim *v, const fault_sample *sample, int32_t dtype)
{
    nf_flow *flow = fault_flow(NULL, sample, dtype);

    *v = (victim){ .sample = sample, .dtype = dtype };
    v->bytes = fault_model(flow, &v->size);
    if (fault_density(flow, sample->rows, v->density) != NF_OK) abort();
    nf_flow_unref(flow);
}

static void victim_close(victim *v) { free(v->bytes); }

static bool refused_with(fault_log *log, const victim *v, const char *what, int64_t at, nf_status status, const nf_flow *flow)
{
    const bool named = status == NF_ERR_FORMAT || status == NF_ERR_VERSION || status == NF_ERR_CORRUPT || status == NF_ERR_LIMIT ||
                       status == NF_ERR_OVERFLOW;

    if (flow) return fault_fails(log, "%s, %s %lld: refused, and yet the handle is not NULL", v->sample->name, what, (long long)at);
    if (!named || strncmp(nf_last_error(), "nf_flow_load_memory", 19) != 0)
        return fault_fails(log, "%s, %s %lld: %s: %.200s", v->sample->name, what, (long long)at, nf_status_name(status), nf_last_error());
    return true;
}

/* Whether header byte `at` is free text: the value of nflow.producer, or the key that makes it that one. */
static bool is_free_text(const victim *v, int64_t at)
{
    static const char key[] = "\"" NFI_META_PRODUCER "\":\"";
    const unsigned char *start = memmem(v->bytes, (size_t)v->size, key, sizeof key - 1);
    const unsigned char *end = start ? memchr(start + sizeof key - 1, '"', (size_t)(v->bytes + v->size - start) - sizeof key) : NULL;

    return end && at > start - v->bytes && at < end - v->bytes;
}

/* Refused, or a change of free text that leaves the bits of the densities. */
static bool flip_one(fault_log *log, victim *v, int64_t bit)
{
    nf_flow *flow = NULL;
    double got[FAULT_ROWS];
    bool ok = true;

    v->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    const nf_status status = nf_flow_load_memory(&flow, NULL, v->bytes, v->size);
    v->bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    log->points++;
    if (status < 0) return refused_with(log, v, "bit", bit, status, flow);
    v->accepted++;
    if (!is_free_text(v, bit / 8))
        ok = fault_fails(log, "%s: bit %lld of byte %lld is no free text and was not missed", v->sample->name, (long long)bit % 8,
                         (long long)bit / 8);
    else if (fault_density(flow, v->sample->rows, got) != NF_OK || memcmp(got, v->density, sizeof got))
        ok = fault_fails(log, "%s: bit %lld changes densities", v->sample->name, (long long)bit);
    nf_flow_unref(flow);
    return ok;
}

static bool flips_of(fault_log *log, victim *v)
{
    for (int64_t bit = 0; bit < v->size * 8; bit++)
        if (!flip_one(log, v, bit)) return false;
    return v->accepted > 0 || fault_fails(log, "%s: not even free text may change", v->sample->name);
}

static bool cuts_of(fault_log *log, victim *v)
{
    for (int64_t size = 0; size < v->size; size++) {
        unsigned char *cut = support_malloc(size);
        nf_flow *flow = NULL;
        memcpy(cut, v->bytes, (size_t)size);
        const nf_status status = nf_flow_load_memory(&flow, NULL, cut, size);
        free(cut);
        log->points++;
        if (status == NF_OK) return fault_fails(log, "%s: cut to %lld of %lld bytes, and loaded", v->sample->name, (long long)size, (long long)v->size);
        if (!refused_with(log, v, "length", size, status, flow)) return false;
    }
    return true;
}

/* All densities finite, or -inf (outside a uniform base), or the call says that rows are not finite. */
static bool computes(fault_log *log, victim *v, const nf_flow *flow, int64_t at)
{
    double got[FAULT_ROWS];
    const nf_status status = fault_density(flow, v->sample->rows, got);
    bool finite = true;

    for (int i = 0; i < FAULT_ROWS; i++) finite &= isfinite(got[i]) || (got[i] < 0 && isinf(got[i]));
    v->accepted++;
    if (status == NF_ROWS_NONFINITE || status == NF_ERR_SHAPE) return v->flagged++, true; /* SHAPE: another, valid number of columns */
    if (status < 0 && status != NF_ERR_DOMAIN && status != NF_ERR_SINGULAR) /* other parameters: a W that cannot be inverted */
        return fault_fails(log, "%s, byte %lld: log_prob: %s", v->sample->name, (long long)at, nf_last_error());
    return finite || status < 0 || fault_fails(log, "%s, byte %lld: a density is not finite and not flagged", v->sample->name, (long long)at);
}

static bool repaired_one(fault_log *log, victim *v, unsigned char *copy, int64_t at, unsigned char value)
{
    nf_flow *flow = NULL;
    bool ok;

    memcpy(copy, v->bytes, (size_t)v->size);
    copy[at] = value;
    (void)fault_repair(copy, v->size);
    const nf_status status = nf_flow_load_memory(&flow, NULL, copy, v->size);
    log->points++;
    ok = status < 0 ? refused_with(log, v, "byte", at, status, flow) : computes(log, v, flow, at);
    nf_flow_unref(flow);
    return ok;
}

static bool repaired_of(fault_log *log, victim *v)
{
    static const unsigned char values[] = { 0x00, 0x7f, 0x80, 0xff };
    unsigned char *copy = support_malloc(v->size);
    bool ok = true;

    for (int64_t at = 0; at < v->size && ok; at++)
        for (int k = 0; k < 6 && ok; k++)
            ok = repaired_one(log, v, copy, at, k < 4 ? values[k] : (unsigned char)(v->bytes[at] + (k == 4 ? 1 : -1)));
    free(copy);
    return ok;
}

static bool each_sample(fault_log *log, bool (*run)(fault_log *log, victim *v))
{
    int64_t accepted = 0, flagged = 0;
    bool ok = true;

    for (int i = 0; i < 2 * fault_sample_count && ok; i++) {
        victim v;
        victim_open(&v, &fault_samples[i / 2], i % 2 ? NF_F64 : NF_F32);
        ok = run(log, &v);
        accepted += v.accepted;
        flagged += v.flagged;
        victim_close(&v);
    }
    (void)snprintf(log->note, sizeof log->note, "(%d files; %lld accepted, of these %lld flagged)", 2 * fault_sample_count,
                   (long long)accepted, (long long)flagged);
    return ok;
}

static bool case_flips(fault_log *log) { return each_sample(log, flips_of); }
static bool case_cuts(fault_log *log) { return each_sample(log, cuts_of); }
static bool case_repaired(fault_log *log) { return each_sample(log, repaired_of); }

/* A type that nobody corrupts: the suite fails. */
static bool sampled(const char *name)
{
    for (int i = 0; i < fault_sample_count; i++)
        if (strcmp(fault_samples[i].name, name) == 0) return true;
    return false;
}

static bool case_complete(fault_log *log)
{
    const char *name;

    for (int32_t i = 0; (name = nf_layer_type_at(i)); i++, log->points++)
        if (!sampled(name)) return fault_fails(log, "layer type %s has no sample", name);
    for (int32_t i = 0; (name = nf_base_type_at(i)); i++, log->points++)
        if (!sampled(name)) return fault_fails(log, "base type %s has no sample", name);
    return true;
}

/* Checkpoints */

static nf_status resume_from(const char *path, int32_t dtype, nf_flow **out)
{
    nf_fit_config config = NF_FIT_CONFIG_INIT;

    *out = fault_trained_flow(NULL, dtype);
    config.epochs = 4;
    config.batch = 30;
    config.resume = path;
    return fault_train(*out, &config, NULL);
}

struct ending {
    uint64_t good, fresh; /* hashes: of the run's end, of a flow that was not trained */
    int64_t finished;
};

/* Refused with the flow as it was, or the end that the whole file leads to. */
static bool resume_one(fault_log *log, const void *bytes, int64_t size, int32_t dtype, bool repaired, struct ending *e, const char *what, int64_t at)
{
    const char *path = fault_path("damaged");
    nf_flow *flow;
    bool ok = fault_write_file(path, bytes, size);

    if (!ok) return fault_fails(log, "cannot write %s", path);
    const nf_status status = resume_from(path, dtype, &flow);
    const uint64_t hash = fault_hash_flow(flow);
    log->points++;
    if (status < 0 && status != NF_ERR_DIVERGED) {
        if (hash != e->fresh) ok = fault_fails(log, "checkpoint, %s %lld: refused, and the flow changed", what, (long long)at);
        if (strncmp(nf_last_error(), "nf_flow_fit: ", 13) != 0) ok = fault_fails(log, "checkpoint, %s %lld: line: %.200s", what, (long long)at, nf_last_error());
    } else {
        e->finished++;
        if (!repaired && hash != e->good) ok = fault_fails(log, "checkpoint, %s %lld: not missed, and the run ends elsewhere", what, (long long)at);
    }
    nf_flow_unref(flow);
    return ok;
}

static bool checkpoint_damage(fault_log *log, int32_t dtype, struct ending *e, unsigned char *bytes, int64_t size)
{
    const int64_t step = fault_is_full() ? 1 : 31;
    bool ok = true;

    for (int64_t bit = 0; bit < size * 8 && ok; bit += step) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ok = resume_one(log, bytes, size, dtype, false, e, "bit", bit);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (int64_t n = 0; n < size && ok; n += step) ok = resume_one(log, bytes, n, dtype, false, e, "length", n);
    unsigned char *copy = support_malloc(size);
    for (int64_t at = 0; at < size && ok; at += step) {
        memcpy(copy, bytes, (size_t)size);
        copy[at] = (unsigned char)(copy[at] + 1);
        (void)fault_repair(copy, size);
        ok = resume_one(log, copy, size, dtype, true, e, "byte", at);
    }
    free(copy);
    return ok;
}

static bool case_checkpoints(fault_log *log)
{
    bool ok = true;
    int64_t finished = 0;

    for (int32_t dtype = NF_F32; dtype <= NF_F64 && ok; dtype++) {
        int64_t size;
        unsigned char *bytes = fault_checkpoint(dtype, &size);
        struct ending e = { 0 };
        nf_flow *flow = fault_trained_flow(NULL, dtype);
        e.fresh = fault_hash_flow(flow);
        nf_flow_unref(flow);
        ok = resume_from(fault_path("checkpoint"), dtype, &flow) == NF_OK || fault_fails(log, "the whole file: %s", nf_last_error());
        e.good = fault_hash_flow(flow);
        nf_flow_unref(flow);
        ok = ok && checkpoint_damage(log, dtype, &e, bytes, size);
        finished += e.finished;
        free(bytes);
    }
    (void)snprintf(log->note, sizeof log->note, "(%lld runs finished)", (long long)finished);
    return ok;
}

/* Memory */

#define MEMORY_FACTOR 3 /* bytes a byte of the file: parameters, and weights packed in whole lanes, up to 32 columns where a layer has few */
#define MEMORY_SLACK 65536

static struct { int64_t now, most; } held;

static void *held_alloc(void *user, int64_t size, int64_t alignment)
{
    void *ptr = NULL;

    (void)user;
    if (posix_memalign(&ptr, (size_t)alignment, (size_t)size)) return NULL;
    held.now += size;
    if (held.now > held.most) held.most = held.now;
    return ptr;
}

static void held_free(void *user, void *ptr, int64_t size)
{
    (void)user;
    held.now -= size;
    free(ptr);
}

static bool memory_of(fault_log *log, const char *what, const void *bytes, int64_t size, nf_status expected)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_flow *flow = NULL;

    config.alloc = held_alloc;
    config.free = held_free;
    if (nf_context_create(&context, &config)) abort();
    const int64_t before = held.most = held.now;
    fault_mark();
    const nf_status status = nf_flow_load_memory(&flow, context, bytes, size);
    const int64_t most = held.most - before;
    nf_flow_unref(flow);
    nf_context_unref(context);
    log->points++;
    if (!fault_said(log, what, status, expected)) return false;
    if (most > MEMORY_FACTOR * size + MEMORY_SLACK) return fault_fails(log, "%s: %lld bytes made the library hold %lld", what, (long long)size, (long long)most);
    return held.now == 0 || fault_fails(log, "%s: %lld bytes are not given back", what, (long long)held.now);
}

/* A file without a tensor of this description, whose quotes stand behind two backslashes here. */
static bool memory_of_description(fault_log *log, const char *what, const char *description, nf_status expected)
{
    static unsigned char bytes[2048];
    const int n = snprintf((char *)bytes + 8, sizeof bytes - 8,
                           "{\"__metadata__\":{\"nflow.format\":\"1\",\"nflow.checksum\":\"crc32c:00000000\",\"nflow.description_checksum\":\"crc32c:00000000\","
                           "\"nflow.description\":\"%s\"}}", description);

    memset(bytes, 0, 8);
    for (int i = 0; i < 2; i++) bytes[i] = (unsigned char)(n >> 8 * i);
    if (n >= (int)sizeof bytes - 8 || !fault_repair(bytes, 8 + n)) abort();
    return memory_of(log, what, bytes, 8 + n, expected);
}

/* One whose description asks for `dim` columns twice. */
static bool memory_of_claim(fault_log *log, int64_t dim, nf_status expected)
{
    char text[300], what[64];

    (void)snprintf(text, sizeof text, "{\\\"format\\\":1,\\\"base\\\":{\\\"type\\\":\\\"normal\\\",\\\"dim\\\":%lld},\\\"layers\\\":[{\\\"type\\\":"
                   "\\\"permutation\\\",\\\"kind\\\":\\\"reverse\\\",\\\"dim\\\":%lld}]}", (long long)dim, (long long)dim);
    (void)snprintf(what, sizeof what, "a file that claims %lld columns", (long long)dim);
    return memory_of_description(log, what, text, expected);
}

/* A layer of images of any size, which no base of that many columns follows: a description, or escaped as the text of a file. */
#define CLAIM_ROOM 400
static const char *claim_text(const char *layer, bool escaped)
{
    static char text[CLAIM_ROOM];
    (void)snprintf(text, sizeof text, "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":4},\"layers\":[%s]}", layer);
    if (!escaped) return text;
    static char file[2 * CLAIM_ROOM];
    char *to = file;
    for (const char *from = text; *from; *to++ = *from++)
        if (*from == '"') *to++ = '\\';
    *to = '\0';
    return file;
}

#define CLAIM_MOST (400 << 20) /* bytes that one layer of the largest image that the default limits allow may hold */
static const struct claim { const char *layer; nf_status as_file, as_text; } claims[] = {
    { "{\"type\":\"coupling_conv\",\"height\":65536,\"width\":65536,\"channels\":65536}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"coupling_conv\",\"height\":65536,\"width\":65536,\"channels\":1,\"mask\":\"checkerboard\"}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"coupling_conv\",\"height\":4096,\"width\":4096,\"channels\":1,\"mask\":\"checkerboard\"}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"coupling_conv\",\"height\":1024,\"width\":1024,\"channels\":2,\"hidden\":1,\"net\":\"linear\"}", NF_ERR_LIMIT, NF_ERR_FORMAT },
    { "{\"type\":\"coupling_conv\",\"height\":1,\"width\":1,\"channels\":4,\"hidden\":65536}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"coupling_conv\",\"height\":1,\"width\":1,\"channels\":4,\"hidden\":65536,\"net\":\"residual\",\"blocks\":64}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"coupling_conv\",\"height\":2,\"width\":2,\"channels\":65536,\"hidden\":1}", NF_ERR_LIMIT, NF_ERR_FORMAT },
    { "{\"type\":\"coupling_conv\",\"height\":-1,\"width\":2,\"channels\":2}", NF_ERR_FORMAT, NF_ERR_FORMAT },
    { "{\"type\":\"split\",\"height\":65536,\"width\":65536,\"channels\":65536}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"squeeze\",\"height\":65536,\"width\":65536,\"channels\":65536}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"invconv\",\"height\":65536,\"width\":65536,\"channels\":4096}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"invconv\",\"height\":1,\"width\":1,\"channels\":4096}", NF_ERR_FORMAT, NF_ERR_FORMAT },
    { "{\"type\":\"cnf\",\"dim\":4,\"hidden\":[65536,65536]}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"cnf\",\"dim\":2147483648,\"trace\":\"exact\",\"hidden\":[0]}", NF_ERR_LIMIT, NF_ERR_FORMAT },
    { "{\"type\":\"cnf\",\"dim\":16777216,\"trace\":\"exact\",\"hidden\":[1]}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"cnf\",\"dim\":65536,\"trace\":\"exact\",\"hidden\":[1]}", NF_ERR_LIMIT, NF_ERR_FORMAT },
    { "{\"type\":\"cnf\",\"dim\":4,\"probes\":1025}", NF_ERR_FORMAT, NF_ERR_FORMAT },
    { "{\"type\":\"cnf\",\"dim\":4,\"rtol\":1e-15}", NF_ERR_FORMAT, NF_ERR_FORMAT },
    { "{\"type\":\"cnf\",\"dim\":4,\"max_steps\":100001,\"rtol\":1e-14,\"atol\":1e-14}", NF_ERR_LIMIT, NF_ERR_LIMIT },
    { "{\"type\":\"cnf\",\"dim\":4,\"solver\":\"rk4\"}", NF_ERR_FORMAT, NF_ERR_FORMAT },
    { "{\"type\":\"dequantise\",\"dim\":2147483648}", NF_ERR_LIMIT, NF_ERR_FORMAT },
};

/* A claim as a description, which has no file to be in proportion to: refused, by the context's limits or because it does not fit its base,
 * and quickly. */
static bool claim_as_text(fault_log *log, const struct claim *c)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_flow *flow = NULL;

    config.alloc = held_alloc;
    config.free = held_free;
    if (nf_context_create(&context, &config)) abort();
    const int64_t before = held.most = held.now;
    const clock_t start = clock();
    fault_mark();
    const nf_status status = nf_flow_from_json(&flow, context, claim_text(c->layer, false));
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    const int64_t most = held.most - before;
    nf_flow_unref(flow);
    nf_context_unref(context);
    log->points++;
    if (!fault_said(log, c->layer, status, c->as_text)) return false;
    if (most > CLAIM_MOST || (status == NF_ERR_LIMIT && most > MEMORY_SLACK)) return fault_fails(log, "%s: holds %lld bytes", c->layer, (long long)most);
    return seconds < 5 || fault_fails(log, "%s: %g seconds", c->layer, seconds);
}

static bool case_images(fault_log *log)
{
    bool ok = true;

    for (int i = 0; i < SUPPORT_COUNT(claims) && ok; i++) {
        ok = claim_as_text(log, &claims[i]);
        if (ok) ok = memory_of_description(log, claims[i].layer, claim_text(claims[i].layer, true), claims[i].as_file);
    }
    for (int i = 0; i < 4 && ok; i++) {
        nf_flow *flow = fault_image_flow(NULL, i / 2, i % 2 ? NF_F64 : NF_F32);
        int64_t size;
        void *bytes = fault_model(flow, &size);
        ok = memory_of(log, "a model of images", bytes, size, NF_OK);
        nf_flow_unref(flow);
        free(bytes);
    }
    return ok;
}

static bool case_memory(fault_log *log)
{
    static const int64_t hidden[][2] = { { 8, 8 }, { 64, 64 }, { 128, 128 }, { 300, 20 } };
    bool ok = true;

    for (int i = 0; i < 2 * SUPPORT_COUNT(hidden) && ok; i++) {
        nf_realnvp_config config = NF_REALNVP_CONFIG_INIT;
        nf_flow *flow = NULL;
        int64_t size;
        config.dim = 2 + 7 * (i / 2);
        config.hidden = hidden[i / 2];
        config.n_hidden = 2;
        config.dtype = i % 2 ? NF_F64 : NF_F32;
        if (nf_flow_create_realnvp(&flow, NULL, &config)) abort();
        void *bytes = fault_model(flow, &size);
        ok = memory_of(log, "a model", bytes, size, NF_OK);
        nf_flow_unref(flow);
        free(bytes);
    }
    return ok && memory_of_claim(log, 100, NF_OK) && memory_of_claim(log, 2000, NF_OK) && memory_of_claim(log, 50000, NF_ERR_LIMIT) &&
           memory_of_claim(log, 16777216, NF_ERR_LIMIT);
}

/* Control: a reader that does not look at the checksums must be caught by the very check. */
static bool case_control(fault_log *log)
{
    victim v;
    int64_t caught = 0;

    victim_open(&v, &fault_samples[0], NF_F32);
    unsigned char *copy = support_malloc(v.size);
    for (int64_t bit = v.size * 8 - 64; bit < v.size * 8; bit++, log->points++) {
        nf_flow *flow = NULL;
        double got[FAULT_ROWS];
        memcpy(copy, v.bytes, (size_t)v.size);
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
        (void)fault_repair(copy, v.size); /* what such a reader would see */
        if (nf_flow_load_memory(&flow, NULL, copy, v.size) == NF_OK)
            caught += fault_density(flow, FAULT_ANY, got) != NF_OK || memcmp(got, v.density, sizeof got) || !is_free_text(&v, bit / 8);
        nf_flow_unref(flow);
    }
    free(copy);
    victim_close(&v);
    return caught > 0 || fault_fails(log, "no flip of a repaired file was noticed");
}

static const fault_case cases[] = {
    { "corruption__every_type_has_a_sample", case_complete },
    { "corruption__a_flipped_bit_is_refused_or_free_text", case_flips },
    { "corruption__a_shorter_file_is_refused", case_cuts },
    { "corruption__repaired_bytes_are_refused_or_compute", case_repaired },
    { "corruption__a_damaged_checkpoint_changes_nothing", case_checkpoints },
    { "corruption__loading_takes_memory_in_proportion", case_memory },
    { "corruption__images_of_any_size_are_refused_quickly", case_images },
    { "corruption__control_a_reader_without_checksums_is_caught", case_control },
};

int main(int argc, char **argv) { return fault_main(cases, SUPPORT_COUNT(cases), argc, argv); }
