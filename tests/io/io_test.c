/* SPDX-License-Identifier: MIT
 *
 * io_test.c - model files: bytes, descriptions, corruption, hostile headers, faults of the system, kills
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/status.h"
#include "io/crc32c.h"
#include "io/description.h"
#include "io/model.h"
#include <nflow/model.h>

#define ROWS 40

/* Flows */

static const char *const layers_json =
    "{\"type\":\"standardise\",\"dim\":3},"
    "{\"type\":\"actnorm\",\"dim\":3},"
    "{\"type\":\"coupling_affine\",\"dim\":3,\"cond_dim\":%d,\"hidden\":[5],\"random_last\":true},"
    "{\"type\":\"permutation\",\"dim\":3,\"seed\":\"18446744073709551615\"},"
    "{\"type\":\"affine\",\"dim\":3,\"bound\":0.1}";

static nf_flow *make_flow(const char *dtype, int cond_dim)
{
    char layers[600], text[800];
    nf_flow *flow = NULL;

    (void)snprintf(layers, sizeof layers, layers_json, cond_dim); /* NOLINT: a literal of this file */
    (void)snprintf(text, sizeof text, "{\"format\":1,\"dtype\":\"%s\",\"seed\":\"7\",\"base\":{\"type\":\"diagonal\",\"dim\":3},\"layers\":[%s]}",
                   dtype, layers);
    ck_assert_msg(nf_flow_from_json(&flow, NULL, text) == NF_OK, "%s", nf_last_error());
    return flow;
}

static void *save_bytes(const nf_flow *flow, int64_t *size)
{
    void *bytes;

    ck_assert_msg(nf_flow_save_memory(flow, NULL, 0, size) == NF_OK, "%s", nf_last_error());
    bytes = malloc((size_t)*size);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_msg(nf_flow_save_memory(flow, bytes, *size, size) == NF_OK, "%s", nf_last_error());
    return bytes;
}

static void density(const nf_flow *flow, double out[ROWS])
{
    float x[ROWS * 3], cond[ROWS * 2];
    double xd[ROWS * 3], cd[ROWS * 2];

    for (int i = 0; i < ROWS * 3; i++) x[i] = (float)(xd[i] = (double)(i * 37 % 101) / 40.0 - 1.2);
    for (int i = 0; i < ROWS * 2; i++) cond[i] = (float)(cd[i] = (double)(i * 17 % 31) / 20.0);
    const nf_status status = nf_flow_dtype(flow) == NF_F32 ? nf_flow_log_prob(flow, ROWS, x, nf_flow_cond_dim(flow) ? cond : NULL, out)
                                                           : nf_flow_log_prob_f64(flow, ROWS, xd, nf_flow_cond_dim(flow) ? cd : NULL, out);
    ck_assert_msg(status >= 0, "%s", nf_last_error());
}

static void assert_same(const nf_flow *a, const nf_flow *b)
{
    double pa[ROWS], pb[ROWS];

    ck_assert_int_eq(a->count, b->count);
    ck_assert_int_eq(memcmp(a->theta, b->theta, (size_t)(a->count * a->size)), 0);
    density(a, pa);
    density(b, pb);
    ck_assert_int_eq(memcmp(pa, pb, sizeof pa), 0);
}

/* A folder of the test's own */

static char folder[64];

static void folder_make(void)
{
    (void)snprintf(folder, sizeof folder, "%s", "/tmp/nflow_io_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Files in the folder. */
static int folder_count(bool remove_all)
{
    DIR *dir = opendir(folder);
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        n++;
        if (remove_all) (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    return n;
}

static void folder_remove(void)
{
    (void)folder_count(true);
    (void)rmdir(folder);
}

START_TEST(crc)
{
    unsigned char bytes[64];
    uint32_t whole;

    ck_assert_uint_eq(nfi_crc32c(0, "123456789", 9), 0xe3069283u);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 73 + 5);
    whole = nfi_crc32c(0, bytes, sizeof bytes);
    for (int64_t cut = 0; cut <= (int64_t)sizeof bytes; cut++) {
        ck_assert_uint_eq(nfi_crc32c(nfi_crc32c(0, bytes, cut), bytes + cut, (int64_t)sizeof bytes - cut), whole);
        ck_assert_uint_eq(nfi_crc32c_by_table(7, bytes, cut), nfi_crc32c(7, bytes, cut));
    }
    memset(bytes, 0, sizeof bytes);
    ck_assert_uint_eq(nfi_crc32c(0, bytes, 32), 0x8a9136aau); /* RFC 3720, B.4 */
}
END_TEST

/* Round trips */

START_TEST(round_trip)
{
    const char *const dtypes[] = { "f32", "f64" };
    nf_flow *flow = make_flow(dtypes[_i % 2], _i / 2 ? 2 : 0), *back = NULL;
    int64_t size, again_size, rows = 0;
    double error = -1;
    void *bytes = save_bytes(flow, &size), *again;

    folder_make();
    ck_assert_msg(nf_flow_load_memory(&back, NULL, bytes, size) == NF_OK, "%s", nf_last_error());
    assert_same(flow, back);
    again = save_bytes(back, &again_size);
    ck_assert_int_eq(size, again_size);
    ck_assert_int_eq(memcmp(bytes, again, (size_t)size), 0);
    nf_flow_unref(back);
    ck_assert_msg(nf_flow_save(flow, in_folder("m")) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_load(&back, NULL, in_folder("m")), NF_OK);
    assert_same(flow, back);
    ck_assert_msg(nf_flow_verify(NULL, in_folder("m"), &error, &rows) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(rows, NFI_SELFTEST_ROWS);
    ck_assert(error == 0.0);
    ck_assert_int_eq(folder_count(false), 1);
    folder_remove();
    nf_flow_unref(back);
    nf_flow_unref(flow);
    free(again);
    free(bytes);
}
END_TEST

START_TEST(description_round_trip)
{
    nf_flow *flow = make_flow("f64", 2), *back = NULL;
    char text[2000], again[2000];
    int64_t size;

    ck_assert_int_eq(nf_flow_to_json(flow, NULL, 0, &size), NF_OK);
    ck_assert_int_eq(nf_flow_to_json(flow, text, 10, &size), NF_ERR_SHAPE);
    ck_assert_int_eq(nf_flow_to_json(flow, text, sizeof text, &size), NF_OK);
    ck_assert_int_eq(size, (int64_t)strlen(text) + 1);
    ck_assert_msg(nf_flow_from_json(&back, NULL, text) == NF_OK, "%s", nf_last_error());
    ck_assert_int_eq(nf_flow_to_json(back, again, sizeof again, &size), NF_OK);
    ck_assert_str_eq(text, again);
    ck_assert_ptr_nonnull(strstr(text, "\"bound\":0.10000000000000001"));
    nf_flow_unref(back);
    nf_flow_unref(flow);
}
END_TEST

/* Each: a text that is refused, its status, and words of the line. */
static const struct { const char *text; nf_status status; const char *words; } refused[] = {
    { "", NF_ERR_FORMAT, "ends early" },
    { "[]", NF_ERR_FORMAT, "one object" },
    { "{} {}", NF_ERR_FORMAT, "one object" },
    { "{\"format\":1", NF_ERR_FORMAT, "ends early" },
    { "{\"format\":1,\"format\":1}", NF_ERR_FORMAT, "twice" },
    { "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", NF_ERR_LIMIT, "levels" },
    { "{\"a\":\"\xc3(\"}", NF_ERR_FORMAT, "UTF-8" },
    { "{\"format\":1,\"colour\":2}", NF_ERR_FORMAT, "colour" },
    { "{\"format\":2,\"base\":{},\"layers\":[]}", NF_ERR_VERSION, "format 2" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2}}", NF_ERR_FORMAT, "layers" },
    { "{\"format\":1,\"base\":{\"type\":\"cauchy\",\"dim\":2},\"layers\":[]}", NF_ERR_VERSION, "cauchy" },
    { "{\"format\":1,\"dim\":3,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[]}", NF_ERR_FORMAT, "dim" },
    { "{\"format\":1,\"dtype\":\"f16\",\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[]}", NF_ERR_FORMAT, "dtype" },
    { "{\"format\":1,\"seed\":\"18446744073709551616\",\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[]}", NF_ERR_FORMAT, "seed" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"magic\",\"dim\":2}]}", NF_ERR_VERSION, "register" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"affine\",\"version\":99,\"dim\":2}]}", NF_ERR_VERSION, "99" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"affine\",\"dim\":2,\"bond\":1}]}", NF_ERR_FORMAT, "layers[0].bond" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"affine\",\"dim\":2.5}]}", NF_ERR_FORMAT, "layers[0].dim" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"affine\"}]}", NF_ERR_FORMAT, "layers[0]: dim" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"affine\",\"dim\":3}]}", NF_ERR_FORMAT, "dim 3" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"affine\",\"dim\":99999999999999999999}]}", NF_ERR_FORMAT, "JSON" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"coupling_affine\",\"dim\":2,\"hidden\":7}]}", NF_ERR_FORMAT, "hidden" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"coupling_affine\",\"dim\":2,\"scale\":\"x\"}]}", NF_ERR_FORMAT, "tanh" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[{\"type\":\"permutation\",\"dim\":2,\"kind\":\"index\",\"index\":[0,0]}]}", NF_ERR_FORMAT, "layers[0]" },
    { "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":2},\"layers\":[7]}", NF_ERR_FORMAT, "layers[0].type" },
};

START_TEST(description_refused)
{
    nf_flow *flow = NULL;
    const nf_status status = nf_flow_from_json(&flow, NULL, refused[_i].text);

    ck_assert_ptr_null(flow);
    ck_assert_msg(status == refused[_i].status, "%s: %s: %s", refused[_i].text, nf_status_name(status), nf_last_error());
    ck_assert_msg(strstr(nf_last_error(), refused[_i].words) != NULL, "%s: %s", refused[_i].text, nf_last_error());
}
END_TEST

/* Corruption */

/* Loads `size` bytes: refused, or the densities of `expected` [ROWS]. */
static bool refused_or_same(const void *bytes, int64_t size, const double *expected)
{
    double got[ROWS];
    nf_flow *flow = NULL;
    const nf_status status = nf_flow_load_memory(&flow, NULL, bytes, size);

    if (status < 0) return flow == NULL && nf_last_error()[0] != '\0';
    density(flow, got);
    nf_flow_unref(flow);
    return memcmp(got, expected, sizeof got) == 0;
}

START_TEST(truncations)
{
    nf_flow *flow = make_flow("f32", 0), *back = NULL;
    int64_t size;
    char *bytes = save_bytes(flow, &size);

    for (int64_t n = 0; n < size; n++) {
        char *cut = malloc((size_t)n + 1); /* of the exact size: reads past the end show under tools */
        memcpy(cut, bytes, (size_t)n);
        ck_assert_int_lt(nf_flow_load_memory(&back, NULL, cut, n), 0);
        ck_assert_ptr_null(back);
        free(cut);
    }
    bytes = realloc(bytes, (size_t)size + 1);
    bytes[size] = 0;
    ck_assert_int_eq(nf_flow_load_memory(&back, NULL, bytes, size + 1), NF_ERR_FORMAT);
    nf_flow_unref(flow);
    free(bytes);
}
END_TEST

START_TEST(bit_flips)
{
    nf_flow *flow = make_flow("f32", 0);
    double expected[ROWS];
    int64_t size;
    unsigned char *bytes = save_bytes(flow, &size);
    nf_flow *back = NULL;

    density(flow, expected);
    for (int64_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        ck_assert_msg(refused_or_same(bytes, size, expected), "bit %lld", (long long)bit);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    ck_assert_int_eq(nf_flow_load_memory(&back, NULL, bytes, size), NF_OK); /* control: the last state is the file */
    nf_flow_unref(back);
    nf_flow_unref(flow);
    free(bytes);
}
END_TEST

/* The payload's checksum, put right after a change. */
static void repair(unsigned char *bytes, int64_t size)
{
    static const char key[] = "\"nflow.checksum\":\"";
    uint64_t n = 0;
    char text[16], *at;

    for (int i = 7; i >= 0; i--) n = n << 8 | bytes[i];
    at = memmem(bytes + 8, (size_t)n, key, sizeof key - 1);
    ck_assert_ptr_nonnull(at);
    nfi_model_checksum_text(nfi_crc32c(0, bytes + 8 + n, size - 8 - (int64_t)n), text);
    memcpy(at + sizeof key - 1, text, strlen(text));
}

START_TEST(values)
{
    nf_flow *flow = make_flow("f32", 0), *back = NULL;
    int64_t size;
    unsigned char *bytes = save_bytes(flow, &size), *copy = malloc((size_t)size);
    nfi_container container;
    const struct { const char *name; float value; } bad[] = { { "layers.0.sd", 0.0f }, { "layers.0.sd", -1.0f }, { "layers.0.mean", NAN },
                                                              { "layers.1.initialised", 0.5f }, { "base.mean", INFINITY } };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(copy, bytes, (size_t)size);
        ck_assert_int_eq(nfi_container_open(&container, NULL, copy, size, "test"), NF_OK);
        const nfi_tensor *tensor = nfi_container_find(&container, bad[i].name);
        ck_assert_msg(tensor != NULL, "%s", bad[i].name);
        memcpy(copy + (tensor->data - copy), &bad[i].value, 4);
        nfi_container_close(&container);
        ck_assert_int_eq(nf_flow_load_memory(&back, NULL, copy, size), NF_ERR_CORRUPT);
        repair(copy, size);
        ck_assert_int_eq(nf_flow_load_memory(&back, NULL, copy, size), NF_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(nf_last_error(), bad[i].name));
    }
    ((float *)flow->theta)[0] = NAN;
    ck_assert_int_eq(nf_flow_save_memory(flow, NULL, 0, &size), NF_ERR_NONFINITE);
    nf_flow_unref(flow);
    free(copy);
    free(bytes);
}
END_TEST

/* With the checksum repaired, each byte of the payload: refused, or a flow that computes. */
START_TEST(repaired_bytes)
{
    static const unsigned char tried[] = { 0x00, 0x7f, 0x80, 0xff };
    nf_flow *flow = make_flow("f32", 0), *back = NULL;
    int64_t size, payload = 8;
    unsigned char *bytes = save_bytes(flow, &size);
    double got[ROWS];

    for (int b = 0; b < 8; b++) payload += (int64_t)bytes[b] << (8 * b);
    for (int64_t i = payload; i < size; i++) {
        const unsigned char before = bytes[i];
        for (size_t k = 0; k < 6; k++) {
            bytes[i] = k < 4 ? tried[k] : (unsigned char)(before + (k == 4 ? 1 : -1));
            repair(bytes, size);
            if (nf_flow_load_memory(&back, NULL, bytes, size) == NF_OK) density(back, got);
            nf_flow_unref(back);
        }
        bytes[i] = before;
    }
    nf_flow_unref(flow);
    free(bytes);
}
END_TEST

/* Hostile containers: header text, bytes of payload, words of the line */
static const struct { const char *header; int64_t payload; const char *words; } hostile[] = {
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "begin" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}}", 20, "begin" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "begin" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "holds 12" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", 8, "past the end" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,12]}}", 12, "differ" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}", 8, "shape" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0, "large" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,-4]}}", 0, "shape" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "rank" },
    { "{\"a\":{\"dtype\":\"Q4\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"url\":\"x\"}}", 4, "exactly" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "twice" },
    { "{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "name" },
    { "{\"a\\u0007\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "name" },
    { "{\"a\":7}", 0, "exactly" },
    { "{\"__metadata__\":{\"a\":7}}", 0, "string" },
    { "{\"__metadata__\":[]}", 0, "object" },
    { "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}", 0, "levels" },
    { "{}", 0, "nflow.format" },
    { "{\"__metadata__\":{\"nflow.format\":\"2\"}}", 0, "format \"2\"" },
    { "{\"__metadata__\":{\"nflow.format\":\"1\"}}", 0, "nflow.checksum" },
    { " {}", 0, "begin with" },
};

START_TEST(hostile_headers)
{
    const size_t n = strlen(hostile[_i].header), size = 8 + n + (size_t)hostile[_i].payload;
    unsigned char *bytes = calloc(1, size);
    nf_flow *flow = NULL;
    nf_status status;

    bytes[0] = (unsigned char)n;
    bytes[1] = (unsigned char)(n >> 8);
    memcpy(bytes + 8, hostile[_i].header, n);
    status = nf_flow_load_memory(&flow, NULL, bytes, (int64_t)size);
    ck_assert_int_lt(status, 0);
    ck_assert_ptr_null(flow);
    ck_assert_msg(strstr(nf_last_error(), hostile[_i].words) != NULL, "%s: %s", hostile[_i].header, nf_last_error());
    free(bytes);
}
END_TEST

START_TEST(hostile_sizes)
{
    unsigned char bytes[64] = { 0 };
    nf_flow *flow = NULL;

    memset(bytes, 0xff, 8);
    bytes[8] = '{';
    ck_assert_int_eq(nf_flow_load_memory(&flow, NULL, bytes, sizeof bytes), NF_ERR_FORMAT);
    ck_assert_int_eq(nf_flow_load_memory(&flow, NULL, bytes, 0), NF_ERR_FORMAT);
    ck_assert_int_eq(nf_flow_load_memory(&flow, NULL, bytes, -1), NF_ERR_ARG);
    ck_assert_int_eq(nf_flow_load_memory(&flow, NULL, NULL, 1), NF_ERR_NULL);
    ck_assert_int_eq(nf_flow_load(&flow, NULL, "/nowhere/at/all"), NF_ERR_IO);
    ck_assert_ptr_nonnull(strstr(nf_last_error(), "/nowhere/at/all"));
    ck_assert_int_eq(nf_flow_load(&flow, NULL, "/tmp"), NF_ERR_IO);
    ck_assert_int_eq(nf_flow_load(&flow, NULL, "/dev/zero"), NF_ERR_IO);
}
END_TEST

/* A small file may not ask for much: columns without parameters, parameters that are not there. */
START_TEST(hostile_description)
{
    const nfi_description_limits limits = { 0, 70000, -1, true };
    const char *const texts[] = {
        "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":16000000},\"layers\":[{\"type\":\"permutation\",\"kind\":\"reverse\",\"dim\":16000000}]}",
        "{\"format\":1,\"base\":{\"type\":\"normal\",\"dim\":30000},\"layers\":[{\"type\":\"coupling_affine\",\"dim\":30000,\"hidden\":[100]}]}",
    };
    nf_flow *flow = NULL;

    ck_assert_int_eq(nfi_description_read(&flow, NULL, texts[0], (int64_t)strlen(texts[0]), &limits, "test"), NF_ERR_LIMIT);
    ck_assert_int_eq(nfi_description_read(&flow, NULL, texts[1], (int64_t)strlen(texts[1]), &limits, "test"), NF_ERR_FORMAT);
    ck_assert_ptr_null(flow);
}
END_TEST

/* Faults of the system: call number fault_at fails, or all from there on */

static int fault_at, fault_calls, fault_error;
static bool fault_forever, fault_short;

static bool fault_now(void)
{
    const int call = fault_calls++;

    if (fault_at < 0 || call < fault_at || (call > fault_at && !fault_forever)) return false;
    errno = fault_error;
    return true;
}

static int faulty_open(const char *path, int flags, mode_t mode) { return fault_now() ? -1 : nfi_io_system.open(path, flags, mode); }
static int faulty_fstat(int file, struct stat *out) { return fault_now() ? -1 : nfi_io_system.fstat(file, out); }
static int faulty_lstat(const char *path, struct stat *out) { return fault_now() ? -1 : nfi_io_system.lstat(path, out); }
static ssize_t faulty_read(int file, void *to, size_t n) { return fault_now() ? -1 : nfi_io_system.read(file, to, fault_short ? (n + 1) / 2 : n); }
static ssize_t faulty_write(int file, const void *from, size_t n)
{
    return fault_now() ? -1 : nfi_io_system.write(file, from, fault_short ? (n + 1) / 2 : n);
}
static int faulty_fchmod(int file, mode_t mode) { return fault_now() ? -1 : nfi_io_system.fchmod(file, mode); }
static int faulty_fsync(int file) { return fault_now() ? -1 : nfi_io_system.fsync(file); }
static int faulty_close(int file)
{
    const bool fail = fault_now();
    const int error = errno, closed = nfi_io_system.close(file);

    errno = fail ? error : errno;
    return fail ? -1 : closed;
}
static int faulty_rename(const char *from, const char *to) { return fault_now() ? -1 : nfi_io_system.rename(from, to); }
static char *faulty_realpath(const char *path, char *to) { return fault_now() ? NULL : nfi_io_system.realpath(path, to); }

static const nfi_io_ops faulty = { faulty_open, faulty_fstat, faulty_lstat, faulty_read, faulty_write, faulty_fchmod,
                                   faulty_fsync, faulty_close, faulty_rename, unlink, faulty_realpath };

static bool file_is(const char *path, const char *expected)
{
    void *bytes;
    int64_t size;
    bool same;

    if (nfi_file_read(&nfi_io_system, NULL, path, 1 << 20, &bytes, &size, "test")) return false;
    same = size == (int64_t)strlen(expected) && memcmp(bytes, expected, (size_t)size) == 0;
    nfi_free(NULL, bytes, size, 1);
    return same;
}

/* Old or new, whole; no other file. Returns whether the fault was reached. */
static bool fault_case(int at, int error, bool forever, bool short_counts)
{
    const char *path = in_folder("target");
    nf_status status;

    fault_at = -1, fault_short = false;
    ck_assert_int_eq(nfi_file_replace(&nfi_io_system, NULL, path, "the old one", 11, "test"), NF_OK);
    fault_at = at, fault_calls = 0, fault_error = error, fault_forever = forever, fault_short = short_counts;
    status = nfi_file_replace(&faulty, NULL, path, "the new one", 11, "test");
    ck_assert_msg(file_is(path, status == NF_OK ? "the new one" : "the old one") ||
                      (status == NF_ERR_IO && strstr(nf_last_error(), "fsync the folder") && file_is(path, "the new one")),
                  "call %d, error %d: %s", at, error, nf_last_error());
    ck_assert(status == NF_OK || status == NF_ERR_IO);
    ck_assert_int_eq(folder_count(false), 1);
    return fault_calls > at;
}

START_TEST(faults_of_saving)
{
    static const int errors[] = { EIO, ENOSPC, EINTR, EACCES, EDQUOT, EFBIG };
    int points = 0;

    folder_make();
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (int short_counts = 0; short_counts < 2; short_counts++)
            for (int forever = 0; forever < 2; forever++) {
                if (forever && errors[e] == EINTR) continue; /* retried for ever, as it should be */
                for (int at = 0; fault_case(at, errors[e], forever, short_counts); at++) points++;
            }
    ck_assert_int_gt(points, 200);
    folder_remove();
}
END_TEST

START_TEST(faults_of_loading)
{
    const char *path;
    void *bytes;
    int64_t size;

    folder_make();
    path = in_folder("target");
    fault_at = -1;
    ck_assert_int_eq(nfi_file_replace(&nfi_io_system, NULL, path, "some bytes", 10, "test"), NF_OK);
    for (int at = 0, more = 1; more; at++) {
        fault_at = at, fault_calls = 0, fault_error = EIO, fault_forever = false, fault_short = true;
        const nf_status status = nfi_file_read(&faulty, NULL, path, 100, &bytes, &size, "test");
        ck_assert(status == NF_OK || (status == NF_ERR_IO && bytes == NULL));
        if (status == NF_OK) nfi_free(NULL, bytes, size, 1);
        more = fault_calls > at;
    }
    ck_assert_int_eq(nfi_file_read(&nfi_io_system, NULL, path, 9, &bytes, &size, "test"), NF_ERR_LIMIT);
    folder_remove();
}
END_TEST

START_TEST(modes_and_links)
{
    char target[128], link[128];
    struct stat about;
    const mode_t mask = umask(027);

    folder_make();
    (void)snprintf(target, sizeof target, "%s/target", folder);
    (void)snprintf(link, sizeof link, "%s/link", folder);
    ck_assert_int_eq(nfi_file_replace(&nfi_io_system, NULL, target, "a", 1, "test"), NF_OK);
    ck_assert(!stat(target, &about) && (about.st_mode & 0777) == 0640);
    ck_assert(!chmod(target, 0604) && !symlink("target", link));
    ck_assert_int_eq(nfi_file_replace(&nfi_io_system, NULL, link, "b", 1, "test"), NF_OK);
    ck_assert(!stat(target, &about) && (about.st_mode & 0777) == 0604);
    ck_assert(!lstat(link, &about) && S_ISLNK(about.st_mode));
    ck_assert(file_is(target, "b"));
    ck_assert_int_eq(nfi_file_replace(&nfi_io_system, NULL, folder, "b", 1, "test"), NF_ERR_IO);
    ck_assert_int_eq(nfi_file_replace(&nfi_io_system, NULL, "", "b", 1, "test"), NF_ERR_IO);
    ck_assert_int_eq(folder_count(false), 2);
    (void)umask(mask);
    folder_remove();
}
END_TEST

/* Kills */

START_TEST(kills)
{
    nf_flow *flow = make_flow("f32", 0), *back;
    const char *path;
    int lost = 0;

    folder_make();
    path = in_folder("model");
    ck_assert_int_eq(nf_flow_save(flow, path), NF_OK);
    for (int i = 0; i < 200; i++) {
        const pid_t child = fork();
        if (child == 0)
            for (;;) (void)nf_flow_save(flow, path);
        (void)usleep((useconds_t)(200 + i * 37 % 3000));
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        if (nf_flow_load(&back, NULL, path) == NF_OK)
            nf_flow_unref(back);
        else
            lost++;
    }
    ck_assert_int_eq(lost, 0);
    folder_remove();
    nf_flow_unref(flow);
}
END_TEST

/* Checkpoints */

START_TEST(checkpoints)
{
    nf_flow *flow = make_flow("f64", 0), *other = make_flow("f32", 0), *model = NULL;
    double moments[4] = { 1, -2, 3e-300, 4 }, best = -(double)INFINITY, got_best = 0, got_moments[4] = { 0 }, lr = 0.1, got_lr = 0;
    int64_t order[3] = { 2, 0, INT64_MAX }, got_order[3] = { 0 }, epoch = INT64_MIN, got_epoch = 0, wrong[2] = { 0 };
    const nfi_extra extras[] = { { "optim.m", NF_F64, 4, moments }, { "train.order", NFI_DTYPE_I64, 3, order } };
    const nfi_state state[] = { { "epoch", &epoch, NULL }, { "best", NULL, &best }, { "lr", NULL, &lr } };
    nfi_extra into[] = { { "optim.m", NF_F64, 4, got_moments }, { "train.order", NFI_DTYPE_I64, 3, got_order } };
    nfi_extra short_ones[] = { { "optim.m", NF_F64, 4, got_moments }, { "train.order", NFI_DTYPE_I64, 2, wrong } };
    nfi_state into_state[] = { { "epoch", &got_epoch, NULL }, { "best", NULL, &got_best }, { "lr", NULL, &got_lr } };
    nfi_state missing[] = { { "epoch", &got_epoch, NULL }, { "absent", NULL, &got_best } };
    double before[ROWS], after[ROWS];
    const char *path;

    folder_make();
    path = in_folder("checkpoint");
    density(flow, before);
    ck_assert_msg(nfi_checkpoint_save(flow, path, extras, 2, state, 3) == NF_OK, "%s", nf_last_error());
    for (int64_t i = 0; i < flow->count; i++) ((double *)flow->theta)[i] = 0.25;
    nfi_flow_pack(flow);
    ck_assert_int_eq(nfi_checkpoint_load(flow, path, short_ones, 2, into_state, 3), NF_ERR_FORMAT);
    ck_assert_int_eq(nfi_checkpoint_load(flow, path, into, 2, missing, 2), NF_ERR_FORMAT);
    ck_assert_int_eq(nfi_checkpoint_load(other, path, into, 2, into_state, 3), NF_ERR_FORMAT);
    ck_assert(got_moments[0] == 0 && got_epoch == 0 && ((double *)flow->theta)[0] == 0.25);
    ck_assert_msg(nfi_checkpoint_load(flow, path, into, 2, into_state, 3) == NF_OK, "%s", nf_last_error());
    ck_assert(memcmp(moments, got_moments, sizeof moments) == 0 && memcmp(order, got_order, sizeof order) == 0);
    ck_assert(got_epoch == epoch && got_best == best && got_lr == lr);
    density(flow, after);
    ck_assert_int_eq(memcmp(before, after, sizeof before), 0);
    ck_assert_msg(nf_flow_load(&model, NULL, path) == NF_OK, "%s", nf_last_error()); /* inference ignores the rest */
    assert_same(flow, model);
    ck_assert_int_eq(nf_flow_save(flow, path), NF_OK);
    ck_assert_int_eq(nfi_checkpoint_load(flow, path, into, 2, into_state, 3), NF_ERR_FORMAT);
    folder_remove();
    nf_flow_unref(model);
    nf_flow_unref(other);
    nf_flow_unref(flow);
}
END_TEST

START_TEST(comma_locale)
{
    nf_flow *flow = make_flow("f64", 0), *back = NULL;
    int64_t size, there_size;
    void *bytes = save_bytes(flow, &size), *there;
    const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "de_DE", "tr_TR.UTF-8" };
    locale_t comma = (locale_t)0;

    for (int i = 0; i < 4 && comma == (locale_t)0; i++) comma = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
    if (comma == (locale_t)0) {
        printf("comma_locale: skipped, no locale with a decimal comma is installed\n");
    } else {
        const locale_t before = uselocale(comma);
        there = save_bytes(flow, &there_size);
        ck_assert(size == there_size && memcmp(bytes, there, (size_t)size) == 0);
        ck_assert_int_eq(nf_flow_load_memory(&back, NULL, there, there_size), NF_OK);
        (void)uselocale(before);
        freelocale(comma);
        assert_same(flow, back);
        nf_flow_unref(back);
        free(there);
    }
    nf_flow_unref(flow);
    free(bytes);
}
END_TEST

START_TEST(reals_keep_every_bit)
{
    static const double reals[] = { 0.1, -0.0, 1e300, 5e-324, 1.0 / 3.0, 123456789.0, -2.5e-10, 1.7976931348623157e308 };

    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        nfi_text text = { 0 };
        json_t *root;
        double back;

        nfi_text_raw(&text, "{");
        nfi_text_key(&text, "x");
        nfi_text_real(&text, reals[i]);
        nfi_text_raw(&text, "}");
        ck_assert_int_eq(nfi_json_parse(&root, NULL, text.data, text.size, "test"), NF_OK);
        back = json_real_value(json_object_get(root, "x"));
        ck_assert_msg(memcmp(&back, &reals[i], sizeof back) == 0, "%s", text.data);
        json_decref(root);
        nfi_text_free(&text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io");
    TCase *basics = tcase_create("bytes"), *system = tcase_create("system");
    SRunner *runner;
    int failed;

    tcase_set_timeout(basics, 240);
    tcase_set_timeout(system, 120);
    tcase_add_test(basics, crc);
    tcase_add_test(basics, reals_keep_every_bit);
    tcase_add_loop_test(basics, round_trip, 0, 4);
    tcase_add_test(basics, description_round_trip);
    tcase_add_loop_test(basics, description_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(basics, truncations);
    tcase_add_test(basics, bit_flips);
    tcase_add_test(basics, values);
    tcase_add_test(basics, repaired_bytes);
    tcase_add_loop_test(basics, hostile_headers, 0, (int)(sizeof hostile / sizeof *hostile));
    tcase_add_test(basics, hostile_sizes);
    tcase_add_test(basics, hostile_description);
    tcase_add_test(basics, comma_locale);
    tcase_add_test(system, faults_of_saving);
    tcase_add_test(system, faults_of_loading);
    tcase_add_test(system, modes_and_links);
    tcase_add_test(system, checkpoints);
    tcase_add_test(system, kills);
    suite_add_tcase(suite, basics);
    suite_add_tcase(suite, system);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
