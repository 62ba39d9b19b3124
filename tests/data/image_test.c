/* SPDX-License-Identifier: MIT
 *
 * image_test.c - images as rows: IDX, gzip, CIFAR-10, NPY, PNG and folders; labels, image shapes, the first rows
 *
 * Files are made here, byte by byte. NFLOW_ZLIB and NFLOW_PNG tell what the library was built with; without, the named refusal is tested.
 */
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack.h"
#include "support.h"

#define MOST 1024 /* bytes of a small file */

static void expect_line(const char *part)
{
    ck_assert_msg(strstr(nf_last_error(), part) != NULL, "\"%s\" lacks \"%s\"", nf_last_error(), part);
}

static nf_status load(nf_dataset **out, const void *bytes, int64_t size, int32_t format)
{
    return nf_dataset_load_memory(out, NULL, bytes, size, &(nf_read_config){.struct_size = sizeof(nf_read_config), .format = format});
}

/* The status and words of the line; nothing comes out. */
static void refused(const void *bytes, int64_t size, int32_t format, nf_status status, const char *words)
{
    nf_dataset *d = NULL;
    const nf_status got = load(&d, bytes, size, format);
    ck_assert_msg(got == status, "%d instead of %d: %s", (int)got, (int)status, got < 0 ? nf_last_error() : "");
    ck_assert_ptr_null(d);
    expect_line(words);
}

static void expect_values(const nf_dataset *d, int64_t n, int64_t dim, const double *x)
{
    double have[256];
    ck_assert(d != NULL && n * dim <= 256);
    ck_assert_int_eq(nf_dataset_rows(d), n);
    ck_assert_int_eq(nf_dataset_dim(d), dim);
    ck_assert_int_eq(nf_dataset_copy_f64(d, 0, n, have, NULL), NF_OK);
    for (int64_t i = 0; i < n * dim; i++)
        ck_assert_msg(have[i] == x[i], "value %lld is %g instead of %g", (long long)i, have[i], x[i]);
}

static void expect_shape(const nf_dataset *d, int64_t height, int64_t width, int64_t channels)
{
    int64_t h = -1, w = -1, c = -1;
    ck_assert_int_eq(nf_dataset_image_shape(d, &h, &w, &c), NF_OK);
    ck_assert_msg(h == height && w == width && c == channels, "%lld x %lld x %lld", (long long)h, (long long)w, (long long)c);
}

static void expect_cond(const nf_dataset *d, int64_t cond_dim, const double *cond)
{
    double have[64];
    ck_assert_int_eq(nf_dataset_cond_dim(d), cond_dim);
    ck_assert_int_eq(nf_dataset_copy_f64(d, 0, nf_dataset_rows(d), NULL, have), NF_OK);
    for (int64_t i = 0; i < nf_dataset_rows(d) * cond_dim; i++)
        ck_assert_msg(have[i] == cond[i], "cond %lld is %g instead of %g", (long long)i, have[i], cond[i]);
}

/* ---- IDX ------------------------------------------------------------------------------------------------------- */

/* Header and payload; returns the size. */
static int64_t idx(unsigned char *to, unsigned type, int axes, const uint32_t *shape, const void *data, int64_t size)
{
    unsigned char *at = to;
    *at++ = 0, *at++ = 0, *at++ = (unsigned char)type, *at++ = (unsigned char)axes;
    for (int k = 0; k < axes; k++)
        at = pack_u32(at, shape[k]);
    memcpy(at, data, (size_t)size);
    return at + size - to;
}

static const struct {
    unsigned type;
    int width;
    unsigned char raw[24]; /* three values */
    double x[3];
} idx_types[] = {
    {0x08, 1, {0, 128, 255}, {0, 128, 255}},
    {0x09, 1, {0, 128, 255}, {0, -128, -1}},
    {0x0b, 2, {1, 2, 0x80, 0, 0xff, 0xff}, {258, -32768, -1}},
    {0x0c, 4, {0, 0, 1, 2, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe}, {258, -2147483648.0, -2}},
    {0x0d, 4, {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x3e, 0x80, 0, 0}, {1, -2, .25}},
    {0x0e, 8, {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0xd0, 0, 0, 0, 0, 0, 0}, {1, -2, .25}},
};

START_TEST(idx_good)
{
    unsigned char file[MOST], packed[MOST];
    const uint32_t shape[2] = {1, 3};
    nf_dataset *d = NULL;
    for (int axes = 1; axes <= 2; axes++) { /* three rows of one column, and one row of three */
        const int64_t size = idx(file, idx_types[_i].type, axes, axes == 1 ? shape + 1 : shape, idx_types[_i].raw, 3 * idx_types[_i].width);
        ck_assert_msg(load(&d, file, size, 0) == NF_OK, "%s", nf_last_error());
        expect_values(d, axes == 1 ? 3 : 1, axes == 1 ? 1 : 3, idx_types[_i].x);
        expect_shape(d, 0, 0, 0);
        nf_dataset_unref(d);
        const int64_t n = pack_gzip(packed, file, size);
#ifdef NFLOW_ZLIB
        ck_assert_msg(load(&d, packed, n, 0) == NF_OK, "%s", nf_last_error());
        expect_values(d, axes == 1 ? 3 : 1, axes == 1 ? 1 : 3, idx_types[_i].x);
        nf_dataset_unref(d);
#else
        refused(packed, n, 0, NF_ERR_UNSUPPORTED, "gzip -d");
#endif
    }
}
END_TEST

static const unsigned char pixels[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 255};
static const double pixel_values[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 255};

START_TEST(idx_images)
{
    unsigned char file[MOST];
    const uint32_t grey[3] = {2, 3, 4}, colour[4] = {2, 1, 4, 3}, deep[5] = {2, 1, 2, 2, 3};
    nf_dataset *d = NULL;
    int64_t size = idx(file, 8, 3, grey, pixels, 24);
    ck_assert_int_eq(load(&d, file, size, 0), NF_OK);
    expect_values(d, 2, 12, pixel_values);
    expect_shape(d, 3, 4, 1);
    nf_dataset_unref(d);
    for (int64_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(load(&d, file, cut, NF_FORMAT_IDX), NF_ERR_FORMAT);
    file[size] = 0;
    refused(file, size + 1, 0, NF_ERR_FORMAT, "take 24 bytes, 25 are there");
    ck_assert_int_eq(load(&d, file, idx(file, 8, 4, colour, pixels, 24), 0), NF_OK);
    expect_shape(d, 1, 4, 3);
    nf_dataset_unref(d);
    ck_assert_int_eq(load(&d, file, idx(file, 8, 5, deep, pixels, 24), 0), NF_OK);
    expect_values(d, 2, 12, pixel_values);
    expect_shape(d, 0, 0, 0);
    nf_dataset_unref(d);
}
END_TEST

static const struct {
    unsigned char bytes[24];
    int64_t size;
    nf_status status;
    const char *words;
} bad_idx[] = {
    {{0}, 0, NF_ERR_FORMAT, "takes 4 bytes, 0 are there"},
    {{0, 0, 8}, 3, NF_ERR_FORMAT, "takes 4 bytes, 3 are there"},
    {{1, 0, 8, 1, 0, 0, 0, 1, 5}, 9, NF_ERR_FORMAT, "starts with 01 00 08 01"},
    {{0, 0, 7, 1, 0, 0, 0, 1, 5}, 9, NF_ERR_FORMAT, "a type (08 09 0b 0c 0d 0e)"},
    {{0, 0, 8, 0, 5}, 5, NF_ERR_FORMAT, "number of axes (01 to 20)"},
    {{0, 0, 8, 33, 5}, 5, NF_ERR_FORMAT, "number of axes (01 to 20)"},
    {{0, 0, 8, 2, 0, 0, 0, 1, 0}, 9, NF_ERR_FORMAT, "takes 12 bytes, 9 are there"},
    {{0, 0, 8, 1, 0, 0, 0, 0}, 8, NF_ERR_FORMAT, "empty"},
    {{0, 0, 8, 1, 0, 0, 0, 2, 5}, 9, NF_ERR_FORMAT, "take 2 bytes, 1 are there"},
    {{0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff, 5}, 9, NF_ERR_FORMAT, "take 4294967295 bytes, 1 are there"},
    {{0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 16, NF_ERR_OVERFLOW, "too large to compute"},
    {{0, 0, 0x0e, 2, 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff}, 12, NF_ERR_OVERFLOW, "too many to compute"},
};

START_TEST(idx_bad) { refused(bad_idx[_i].bytes, bad_idx[_i].size, NF_FORMAT_IDX, bad_idx[_i].status, bad_idx[_i].words); }
END_TEST

START_TEST(idx_range)
{
    unsigned char file[MOST];
    const uint32_t shape[1] = {1};
    nf_dataset *d = NULL;
    const int64_t size = idx(file, 0x0e, 1, shape, "\x7e\x37\0\0\0\0\0\0", 8);
    const nf_read_config narrow = {.struct_size = sizeof narrow, .dtype = NF_F32};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, size, &narrow), NF_ERR_PARSE);
    expect_line("row 0, column 0, byte 8");
}
END_TEST

START_TEST(names_choose_readers)
{
    static const struct { const char *name; int32_t format; } names[] = {
        {"a.idx", NF_FORMAT_IDX}, {"train-images-idx3-ubyte", NF_FORMAT_IDX}, {"a.GZ", NF_FORMAT_IDX}, {"a.npy", NF_FORMAT_NPY},
        {"a.bin", NF_FORMAT_CSV}, {"a.png", NF_FORMAT_PNG}, {"a.txt", NF_FORMAT_CSV}, {"a", NF_FORMAT_CSV},
    };
    static const char *const words[] = {"no text", "\\x93NUMPY", "an IDX file", "CIFAR-10", "\\x89PNG"}; /* by format: what it says of four bytes */
    char folder[] = "/tmp/nflow-names-XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < SUPPORT_COUNT(names); i++) {
        nf_dataset *d = NULL;
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i].name);
        FILE *file = fopen(path, "wb");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq((int)fwrite("\1\0\2\3", 1, 4, file), 4);
        (void)fclose(file);
        ck_assert_int_eq(nf_dataset_load(&d, NULL, path, NULL), NF_ERR_FORMAT);
        expect_line(words[names[i].format - 1]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}
END_TEST

/* ---- gzip ------------------------------------------------------------------------------------------------------ */

#ifdef NFLOW_ZLIB
START_TEST(gzip_members)
{
    unsigned char file[MOST], packed[2 * MOST];
    const uint32_t shape[3] = {2, 3, 4};
    nf_dataset *d = NULL;
    const int64_t size = idx(file, 8, 3, shape, pixels, 24);
    for (int64_t cut = 0; cut <= size; cut++) { /* two members, cut anywhere, one of them perhaps empty */
        int64_t n = pack_gzip(packed, file, cut);
        n += pack_gzip(packed + n, file + cut, size - cut);
        ck_assert_msg(load(&d, packed, n, 0) == NF_OK, "%s", nf_last_error());
        expect_values(d, 2, 12, pixel_values);
        expect_shape(d, 3, 4, 1);
        nf_dataset_unref(d);
    }
}
END_TEST

START_TEST(gzip_damaged)
{
    unsigned char file[MOST], packed[MOST];
    const uint32_t shape[3] = {2, 3, 4};
    nf_dataset *d = NULL;
    const int64_t n = pack_gzip(packed, file, idx(file, 8, 3, shape, pixels, 24));
    for (int64_t cut = 0; cut < n; cut++)
        ck_assert_int_lt(load(&d, packed, cut, NF_FORMAT_IDX), 0);
    refused(packed, n - 1, 0, NF_ERR_CORRUPT, "the file ends there");
    for (int64_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            packed[at] ^= (unsigned char)(1 << bit);
            const nf_status status = load(&d, packed, n, NF_FORMAT_IDX);
            if (status == NF_OK)
                expect_values(d, 2, 12, pixel_values); /* the time stamp, say, or bits that pad the block's head */
            ck_assert_msg(status == NF_OK ? at < 11 : status == NF_ERR_CORRUPT || status == NF_ERR_FORMAT || status == NF_ERR_OVERFLOW || status == NF_ERR_LIMIT,
                          "byte %lld: %d", (long long)at, (int)status);
            nf_dataset_unref(d);
            d = NULL;
            packed[at] ^= (unsigned char)(1 << bit);
        }
    packed[n - 8] ^= 1;
    refused(packed, n, 0, NF_ERR_CORRUPT, "near byte");
    expect_line("incorrect data check");
    packed[n - 8] ^= 1;
    memcpy(packed + n, "more", 4);
    refused(packed, n + 4, 0, NF_ERR_FORMAT, "4 bytes follow the last gzip member");
}
END_TEST

START_TEST(gzip_promises)
{
    unsigned char file[MOST], packed[MOST];
    const uint32_t less[1] = {23}, more[1] = {25}, lie[2] = {1000000, 784}, limit[2] = {2000000, 784};
    int64_t n = pack_gzip(packed, file, idx(file, 8, 1, less, pixels, 24));
    refused(packed, n, 0, NF_ERR_FORMAT, "more bytes come out of the gzip data than the 31");
    n = pack_gzip(packed, file, idx(file, 8, 1, more, pixels, 24));
    refused(packed, n, 0, NF_ERR_FORMAT, "32 bytes come out of the gzip data, its header promises 33");
    n = pack_gzip(packed, "1,2\n", 4);
    refused(packed, n, 0, NF_ERR_FORMAT, "starts with 31 2c 32 0a");
    n = pack_gzip(packed, "", 0);
    refused(packed, n, 0, NF_ERR_FORMAT, "0 bytes come out of the gzip data, its header promises 4");
    ledger book;
    ledger_reset(&book);
    nf_context *context = support_context(1, &book);
    nf_dataset *d = NULL;
    n = pack_gzip(packed, file, idx(file, 8, 2, lie, pixels, 24));
    const long long before = book.bytes;
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, packed, n, NULL), NF_ERR_FORMAT);
    expect_line("header promises 784000012");
    ck_assert_int_eq(book.bytes, before);
    nf_context_unref(context);
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    config.max_file_bytes = 1000;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    n = pack_gzip(packed, file, idx(file, 8, 2, limit, pixels, 24));
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, packed, n, NULL), NF_ERR_LIMIT);
    expect_line("unpacks to 1568000012 bytes, the context allows 1000 (max_file_bytes)");
    nf_context_unref(context);
}
END_TEST

/* An allocator that counts the largest sum, so that a promise alone takes no memory. */
static struct { long long now, most; } peak;
static void *peak_alloc(void *user, int64_t size, int64_t alignment)
{
    void *ptr = NULL;
    (void)user;
    peak.now += size;
    peak.most = peak.now > peak.most ? peak.now : peak.most;
    return posix_memalign(&ptr, (size_t)alignment, (size_t)size) == 0 ? ptr : NULL;
}
static void peak_free(void *user, void *ptr, int64_t size)
{
    (void)user;
    peak.now -= size;
    free(ptr);
}

static nf_context *peak_context(void)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    config.alloc = peak_alloc;
    config.free = peak_free;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    peak.most = peak.now;
    return context;
}

START_TEST(gzip_memory)
{
    unsigned char file[MOST], packed[MOST];
    const uint32_t lie[2] = {2000000, 784};
    nf_dataset *d = NULL;
    nf_context *context = peak_context();
    const int64_t n = pack_gzip(packed, file, idx(file, 8, 2, lie, pixels, 24));
    ck_assert_int_eq(nf_dataset_load_memory(&d, context, packed, n, NULL), NF_ERR_FORMAT);
    ck_assert_int_lt(peak.most, 200000);
    nf_context_unref(context);
}
END_TEST
#endif

/* ---- CIFAR-10 and NPY ------------------------------------------------------------------------------------------ */

static unsigned char *cifar(int64_t records)
{
    unsigned char *bytes = support_malloc(records * 3073 + 1);
    for (int64_t i = 0; i < records; i++) {
        bytes[i * 3073] = (unsigned char)((i * 7 + 2) % 10);
        for (int64_t k = 0; k < 3072; k++)
            bytes[i * 3073 + 1 + k] = (unsigned char)(k / 1024 * 80 + k % 1024 / 32 + k % 32 + 3 * i); /* 80 c + row + column + 3 i */
    }
    return bytes;
}

START_TEST(cifar_good)
{
    unsigned char *bytes = cifar(3);
    nf_dataset *d = NULL;
    float *x = support_malloc(3 * 3072 * 4);
    nf_read_config config = {.struct_size = sizeof config, .format = NF_FORMAT_CIFAR10};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, bytes, 3 * 3073, &config), NF_OK);
    expect_shape(d, 32, 32, 3);
    ck_assert_int_eq(nf_dataset_cond_dim(d), 0);
    ck_assert_int_eq(nf_dataset_copy(d, 0, 3, x, NULL), NF_OK);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3072; k++)
            ck_assert_int_eq((int)x[i * 3072 + k], 80 * (k % 3) + k / 96 + k / 3 % 32 + 3 * i);
    nf_dataset_unref(d);
    config.label_kind = NF_LABEL_NUMBER;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, bytes, 3 * 3073, &config), NF_OK);
    expect_cond(d, 1, (const double[]){2, 9, 6});
    nf_dataset_unref(d);
    config.label_kind = NF_LABEL_ONE_HOT;
    config.max_rows = 2;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, bytes, 3 * 3073, &config), NF_OK);
    expect_cond(d, 10, (const double[]){0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    nf_dataset_unref(d);
    config.label_classes = 9;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, bytes, 3 * 3073, &config), NF_ERR_ARG);
    expect_line("label 1 of memory is 9, label_classes is 9");
    free(x);
    free(bytes);
}
END_TEST

START_TEST(cifar_bad)
{
    unsigned char *bytes = cifar(2);
    refused(bytes, 0, NF_FORMAT_CIFAR10, NF_ERR_FORMAT, "has 0 bytes");
    refused(bytes, 3072, NF_FORMAT_CIFAR10, NF_ERR_FORMAT, "has 3072 bytes, a CIFAR-10 file has one or more records of 3073");
    refused(bytes, 6147, NF_FORMAT_CIFAR10, NF_ERR_FORMAT, "has 6147 bytes");
    bytes[3073] = 10;
    refused(bytes, 6146, NF_FORMAT_CIFAR10, NF_ERR_FORMAT, "byte 3073, the label of record 1, is 10");
    free(bytes);
}
END_TEST

/* An NPY file of bytes. */
static int64_t npy(unsigned char *to, const char *shape, const void *data, int64_t size)
{
    char dict[128];
    (void)snprintf(dict, sizeof dict, "%-117s\n", "");
    const int n = snprintf(dict, sizeof dict - 1, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }", shape);
    dict[n] = ' ';
    memcpy(to, "\x93NUMPY\1\0\x76\0", 10);
    memcpy(to + 10, dict, 118);
    memcpy(to + 128, data, (size_t)size);
    return 128 + size;
}

START_TEST(npy_images)
{
    static const struct { const char *shape; int64_t n, dim, h, w, c; } cases[] = {
        {"(2, 3, 4)", 2, 12, 3, 4, 1}, {"(2, 2, 2, 3)", 2, 12, 2, 2, 3}, {"(2, 12)", 2, 12, 0, 0, 0}, {"(24,)", 24, 1, 0, 0, 0},
        {"(1, 24, 1)", 1, 24, 24, 1, 1}, {"(2, 1, 2, 2, 3)", 2, 12, 0, 0, 0},
    };
    unsigned char file[MOST];
    nf_dataset *d = NULL;
    for (int i = 0; i < SUPPORT_COUNT(cases); i++) {
        const int64_t size = npy(file, cases[i].shape, pixels, 24);
        ck_assert_msg(load(&d, file, size, 0) == NF_OK, "%s", nf_last_error());
        expect_values(d, cases[i].n, cases[i].dim, pixel_values);
        expect_shape(d, cases[i].h, cases[i].w, cases[i].c);
        nf_dataset_unref(d);
    }
    const int64_t columns[] = {0, 2};
    const nf_read_config some = {.struct_size = sizeof some, .columns = columns, .n_columns = 2};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, npy(file, "(2, 3, 4)", pixels, 24), &some), NF_OK);
    expect_values(d, 2, 2, (const double[]){0, 2, 12, 14});
    expect_shape(d, 0, 0, 0);
    nf_dataset_unref(d);
}
END_TEST

/* ---- PNG ------------------------------------------------------------------------------------------------------- */

static const unsigned char palette[] = {10, 20, 30, 40, 50, 60, 70, 80, 90}, clear[] = {0, 128}, clear_grey[] = {0, 7};

#ifdef NFLOW_PNG
static const struct {
    pack_picture picture;
    int64_t channels;
    double x[24];
} pictures[] = {
    {{.height = 2, .width = 3, .bits = 8, .colour = 0, .lines = "\0\0\1\2\0\3\4\xff", .n = 8}, 1, {0, 1, 2, 3, 4, 255}},
    /* the filters: difference to the left, above, mean, Paeth */
    {{.height = 4, .width = 2, .bits = 8, .colour = 0, .lines = "\1\5\1\2\1\1\3\1\1\4\2\3", .n = 12}, 1, {5, 6, 6, 7, 4, 6, 6, 9}},
    {{.height = 1, .width = 2, .bits = 8, .colour = 2, .lines = "\0\1\2\3\4\5\6", .n = 7}, 3, {1, 2, 3, 4, 5, 6}},
    {{.height = 1, .width = 2, .bits = 8, .colour = 4, .lines = "\0\1\2\3\4", .n = 5}, 2, {1, 2, 3, 4}},
    {{.height = 1, .width = 2, .bits = 8, .colour = 6, .lines = "\0\1\2\3\4\5\6\7\x08", .n = 9}, 4, {1, 2, 3, 4, 5, 6, 7, 8}},
    {{.height = 2, .width = 9, .bits = 1, .colour = 0, .lines = "\0\xaa\x80\0\1\0", .n = 6}, 1,
     {255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0, 255, 0}},
    {{.height = 1, .width = 4, .bits = 2, .colour = 0, .lines = "\0\x1b", .n = 2}, 1, {0, 85, 170, 255}},
    {{.height = 1, .width = 2, .bits = 4, .colour = 0, .lines = "\0\x1f", .n = 2}, 1, {17, 255}},
    {{.height = 1, .width = 3, .bits = 2, .colour = 3, .lines = "\0\x18", .n = 2, .palette = palette, .n_palette = 9}, 3,
     {10, 20, 30, 40, 50, 60, 70, 80, 90}},
    {{.height = 1, .width = 3, .bits = 8, .colour = 3, .lines = "\0\2\1\0", .n = 4, .palette = palette, .n_palette = 9, .transparent = clear,
      .n_transparent = 2}, 4, {70, 80, 90, 255, 40, 50, 60, 128, 10, 20, 30, 0}},
    {{.height = 1, .width = 2, .bits = 8, .colour = 0, .lines = "\0\7\x08", .n = 3, .transparent = clear_grey, .n_transparent = 2}, 2,
     {7, 0, 8, 255}},
    {{.height = 3, .width = 3, .bits = 8, .colour = 0, .interlaced = 1, .n = 14, /* passes 1, 5, 6, 7 of a 3 x 3 picture are not empty */
      .lines = "\0\0\0\2\0\6\x08\0\1\0\7\0\3\4\5"}, 1, {0, 1, 2, 3, 4, 5, 6, 7, 8}},
};

START_TEST(png_good)
{
    unsigned char file[MOST];
    const pack_picture *p = &pictures[_i].picture;
    nf_dataset *d = NULL;
    pack_picture whole = *p;
    if (p->interlaced)
        whole.n = 15;
    const int64_t size = pack_png(file, &whole);
    ck_assert_msg(load(&d, file, size, 0) == NF_OK, "%s", nf_last_error());
    expect_values(d, 1, p->height * p->width * pictures[_i].channels, pictures[_i].x);
    expect_shape(d, p->height, p->width, pictures[_i].channels);
    nf_dataset_unref(d);
    d = NULL;
    for (int64_t cut = 0; cut < size; cut++)
        ck_assert_int_lt(load(&d, file, cut, NF_FORMAT_PNG), 0);
    for (int64_t at = 0; at < size; at++) { /* every byte is under a checksum or a check */
        file[at] ^= 4;
        const nf_status status = load(&d, file, size, NF_FORMAT_PNG);
        ck_assert_msg(status == NF_ERR_CORRUPT || status == NF_ERR_FORMAT || status == NF_ERR_LIMIT, "byte %lld: %d", (long long)at, (int)status);
        file[at] ^= 4;
    }
    file[size] = 0;
    char words[64];
    (void)snprintf(words, sizeof words, "ends at byte %lld of %lld", (long long)size, (long long)size + 1);
    refused(file, size + 1, 0, NF_ERR_FORMAT, words);
}
END_TEST

static const struct {
    pack_picture picture;
    nf_status status;
    const char *words;
} bad_pictures[] = {
    {{.height = 2, .width = 3, .bits = 8, .colour = 0, .lines = "\0\0\1\2", .n = 4}, NF_ERR_CORRUPT, "damaged before byte"},
    {{.height = 1, .width = 3, .bits = 8, .colour = 0, .lines = "\0\0\1\2\0\0\1\2", .n = 8}, NF_ERR_CORRUPT, "damaged before byte"},
    {{.height = 1, .width = 1, .bits = 16, .colour = 0, .lines = "\0\0\1", .n = 3}, NF_ERR_FORMAT, "16 bits"},
    {{.height = 1, .width = 1, .bits = 8, .colour = 5, .lines = "\0\0\1", .n = 3}, NF_ERR_FORMAT, "colour type 5"},
    {{.height = 1, .width = 1, .bits = 8, .colour = 7, .lines = "\0\0\1", .n = 3}, NF_ERR_FORMAT, "colour type 7"},
    {{.height = 1, .width = 1, .bits = 3, .colour = 0, .lines = "\0\0", .n = 2}, NF_ERR_CORRUPT, "damaged"},
    {{.height = 0, .width = 1, .bits = 8, .colour = 0, .lines = "\0\0", .n = 2}, NF_ERR_CORRUPT, "damaged"},
    {{.height = 1, .width = 1, .bits = 8, .colour = 0, .lines = "\5\0", .n = 2}, NF_ERR_CORRUPT, "filter"},
    {{.height = 1, .width = 1, .bits = 8, .colour = 3, .lines = "\0\0", .n = 2}, NF_ERR_CORRUPT, "PLTE"},
    {{.height = 0x7fffffff, .width = 0x7fffffff, .bits = 8, .colour = 6, .lines = "\0", .n = 1}, NF_ERR_LIMIT, "max_dim"},
    {{.height = 0xffffffff, .width = 0xffffffff, .bits = 8, .colour = 6, .lines = "\0", .n = 1}, NF_ERR_LIMIT, "max_dim"},
    {{.height = 4000, .width = 4000, .bits = 8, .colour = 0, .lines = "\0", .n = 1}, NF_ERR_FORMAT, "claims 4000 x 4000 pixels"},
};

START_TEST(png_bad)
{
    unsigned char file[MOST];
    refused(file, pack_png(file, &bad_pictures[_i].picture), NF_FORMAT_PNG, bad_pictures[_i].status, bad_pictures[_i].words);
}
END_TEST

START_TEST(png_not)
{
    refused("no picture", 10, NF_FORMAT_PNG, NF_ERR_FORMAT, "is no PNG file");
    refused("\x89PNG\r\n\x1a\n", 8, NF_FORMAT_PNG, NF_ERR_FORMAT, "no IHDR in the first 33 bytes (the file has 8)");
}
END_TEST

/* A chunk that no pixel depends on is passed over, whatever it claims. */
START_TEST(png_chunks)
{
    unsigned char file[MOST], longer[2 * MOST];
    nf_dataset *d = NULL;
    const int64_t size = pack_png(file, &pictures[0].picture);
    memcpy(longer, file, 33);
    unsigned char *at = pack_chunk(longer + 33, "gAMA", "\0\0\xb1\x8f", 4);
    at = pack_chunk(at, "tEXt", "key\0text", 8);
    memcpy(at, file + 33, (size_t)size - 33);
    ck_assert_msg(load(&d, longer, at - longer + size - 33, 0) == NF_OK, "%s", nf_last_error());
    expect_values(d, 1, 6, pictures[0].x);
    nf_dataset_unref(d);
}
END_TEST

/* ---- folders --------------------------------------------------------------------------------------------------- */

static char place[64];

static void place_open(void)
{
    (void)snprintf(place, sizeof place, "/tmp/nflow-pictures-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place));
}

static void place_file(const char *name, const void *bytes, int64_t size)
{
    char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", place, name);
    if (strchr(name, '/') != NULL) {
        *strrchr(path, '/') = '\0';
        (void)mkdir(path, 0700);
        path[strlen(path)] = '/';
    }
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq((int64_t)fwrite(bytes, 1, (size_t)size, file), size);
    (void)fclose(file);
}

/* A grey picture of 1 x width, all of one value. */
static void place_picture(const char *name, int width, int value)
{
    unsigned char file[MOST], line[32] = {0};
    memset(line + 1, value, sizeof line - 1);
    const pack_picture p = {.height = 1, .width = (uint32_t)width, .bits = 8, .lines = line, .n = 1 + width};
    place_file(name, file, pack_png(file, &p));
}

static void remove_all(const char *path)
{
    DIR *folder = opendir(path);
    char inside[400];
    for (const struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        (void)snprintf(inside, sizeof inside, "%.120s/%.255s", path, e->d_name);
        if (unlink(inside) != 0)
            remove_all(inside);
    }
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(path);
}

static nf_status load_place(nf_dataset **out, const nf_read_config *config) { return nf_dataset_load(out, NULL, place, config); }

static void place_refused(const nf_read_config *config, nf_status status, const char *words)
{
    nf_dataset *d = NULL;
    const nf_status got = load_place(&d, config);
    ck_assert_msg(got == status, "%d instead of %d: %s", (int)got, (int)status, nf_last_error());
    ck_assert_ptr_null(d);
    expect_line(words);
}

START_TEST(folder_sorted)
{
    nf_dataset *d = NULL;
    place_open();
    place_picture("b.png", 2, 4);
    place_picture("a10.png", 2, 1);
    place_picture("a2.PNG", 2, 2);
    place_picture("Z.png", 2, 0);
    place_picture("a_.png", 2, 3);
    place_file(".hidden.png", "x", 1);
    place_file("notes.txt", "x", 1);
    ck_assert_msg(load_place(&d, NULL) == NF_OK, "%s", nf_last_error());
    expect_values(d, 5, 2, (const double[]){0, 0, 1, 1, 2, 2, 3, 3, 4, 4});
    expect_shape(d, 1, 2, 1);
    nf_dataset_unref(d);
    const nf_read_config some = {.struct_size = sizeof some, .max_rows = 2, .dtype = NF_F64};
    ck_assert_int_eq(load_place(&d, &some), NF_OK);
    expect_values(d, 2, 2, (const double[]){0, 0, 1, 1});
    nf_dataset_unref(d);
    const nf_read_config labelled = {.struct_size = sizeof labelled, .label_kind = NF_LABEL_NUMBER};
    place_refused(&labelled, NF_ERR_ARG, "has no labels of its own");
    remove_all(place);
}
END_TEST

START_TEST(folder_classes)
{
    nf_dataset *d = NULL;
    place_open();
    place_picture("dogs/1.png", 2, 30);
    place_picture("cats/2.png", 2, 20);
    place_picture("cats/1.png", 2, 10);
    place_picture("emus/1.png", 2, 40);
    place_file("cats/notes.txt", "x", 1);
    place_file("list.txt", "x", 1);
    nf_read_config config = {.struct_size = sizeof config, .label_kind = NF_LABEL_ONE_HOT};
    ck_assert_msg(load_place(&d, &config) == NF_OK, "%s", nf_last_error());
    expect_values(d, 4, 2, (const double[]){10, 10, 20, 20, 30, 30, 40, 40});
    expect_cond(d, 3, (const double[]){1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1});
    nf_dataset_unref(d);
    ck_assert_int_eq(load_place(&d, NULL), NF_OK);
    ck_assert_int_eq(nf_dataset_cond_dim(d), 0);
    nf_dataset_unref(d);
    config.max_rows = 3;
    ck_assert_int_eq(load_place(&d, &config), NF_OK);
    expect_cond(d, 3, (const double[]){1, 0, 0, 1, 0, 0, 0, 1, 0});
    nf_dataset_unref(d);
    config.label_kind = NF_LABEL_NUMBER;
    config.label_classes = 2;
    config.max_rows = 0;
    place_refused(&config, NF_ERR_ARG, "label 3 of ");
    expect_line("is 2, label_classes is 2");
    config = (nf_read_config){.struct_size = sizeof config, .format = NF_FORMAT_IDX};
    place_refused(&config, NF_ERR_IO, "it is a directory");
    place_picture("loose.png", 2, 1);
    place_refused(NULL, NF_ERR_FORMAT, "loose.png lies beside the sub-folder ");
    expect_line("/cats");
    remove_all(place);
}
END_TEST

START_TEST(folder_bad)
{
    place_open();
    place_refused(NULL, NF_ERR_FORMAT, "holds no .png file");
    place_file("a.txt", "x", 1);
    place_refused(NULL, NF_ERR_FORMAT, "holds no .png file");
    place_file("empty/a.txt", "x", 1);
    place_refused(NULL, NF_ERR_FORMAT, "/empty holds no .png file");
    place_picture("empty/1.png", 2, 1);
    place_picture("empty/2.png", 3, 1);
    place_refused(NULL, NF_ERR_FORMAT, "/empty/2.png is 1 x 3 x 1, ");
    expect_line("/empty/1.png is 1 x 2 x 1");
    place_file("empty/2.png", "not a picture", 13);
    place_refused(NULL, NF_ERR_FORMAT, "/empty/2.png is no PNG file");
    remove_all(place);
    place_refused(NULL, NF_ERR_IO, "no such file");
}
END_TEST

START_TEST(folder_limits)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_dataset *d = NULL;
    place_open();
    place_picture("1.png", 4, 1);
    place_picture("2.png", 4, 1);
    config.max_elements = 7;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    ck_assert_int_eq(nf_dataset_load(&d, context, place, NULL), NF_ERR_LIMIT);
    nf_context_unref(context);
    config.max_elements = 8;
    config.max_dim = 3;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    ck_assert_int_eq(nf_dataset_load(&d, context, place, NULL), NF_ERR_LIMIT);
    expect_line("1.png is 1 x 4 x 1");
    nf_context_unref(context);
    config.max_dim = 4;
    config.max_file_bytes = 40;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    ck_assert_int_eq(nf_dataset_load(&d, context, place, NULL), NF_ERR_LIMIT);
    expect_line("1.png is larger than the 40 bytes");
    nf_context_unref(context);
    remove_all(place);
}
END_TEST
#else
START_TEST(png_none)
{
    unsigned char file[MOST];
    const pack_picture p = {.height = 1, .width = 1, .bits = 8, .lines = "\0\1", .n = 2, .palette = palette, .n_palette = 9,
                            .transparent = clear, .n_transparent = 2};
    (void)clear_grey;
    refused(file, pack_png(file, &p), 0, NF_ERR_UNSUPPORTED, "-Dpng=enabled");
}
END_TEST
#endif

/* ---- labels and first rows ------------------------------------------------------------------------------------- */

static char label_path[] = "/tmp/nflow-labels-XXXXXX";

static void write_labels(const void *bytes, int64_t size)
{
    (void)snprintf(label_path, sizeof label_path, "/tmp/nflow-labels-XXXXXX");
    const int descriptor = mkstemp(label_path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq((int64_t)write(descriptor, bytes, (size_t)size), size);
    (void)close(descriptor);
}

static int64_t label_file(unsigned char *to, uint32_t n, const unsigned char *labels) { return idx(to, 8, 1, &n, labels, n); }

START_TEST(labels_good)
{
    static const char table[] = "1,2\n3,4\n5,6\n";
    unsigned char file[MOST];
    nf_dataset *d = NULL;
    nf_read_config config = {.struct_size = sizeof config, .labels = label_path};
    write_labels(file, label_file(file, 3, (const unsigned char[]){2, 0, 1}));
    ck_assert_msg(nf_dataset_load_memory(&d, NULL, table, 12, &config) == NF_OK, "%s", nf_last_error());
    expect_values(d, 3, 2, (const double[]){1, 2, 3, 4, 5, 6});
    expect_cond(d, 3, (const double[]){0, 0, 1, 1, 0, 0, 0, 1, 0});
    nf_dataset_unref(d);
    config.label_classes = 4;
    config.max_rows = 2;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, table, 12, &config), NF_OK);
    expect_cond(d, 4, (const double[]){0, 0, 1, 0, 1, 0, 0, 0});
    nf_dataset_unref(d);
    config.label_kind = NF_LABEL_NUMBER;
    config.max_rows = 99;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, table, 12, &config), NF_OK);
    expect_cond(d, 1, (const double[]){2, 0, 1});
    nf_dataset *a = NULL, *b = NULL;
    ck_assert_int_eq(nf_dataset_split(d, .4, UINT64_MAX, &a, &b), NF_OK);
    expect_cond(b, 1, (const double[]){0, 1});
    nf_dataset_unref(a);
    nf_dataset_unref(b);
    nf_dataset_unref(d);
#ifdef NFLOW_ZLIB
    unsigned char packed[MOST];
    (void)unlink(label_path);
    write_labels(packed, pack_gzip(packed, file, label_file(file, 3, (const unsigned char[]){1, 1, 0})));
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, table, 12, &config), NF_OK);
    expect_cond(d, 1, (const double[]){1, 1, 0});
    nf_dataset_unref(d);
#endif
    (void)unlink(label_path);
}
END_TEST

/* Labels of three rows: an IDX file of floats, so that they may be any number. */
static const struct {
    unsigned char raw[16];
    uint32_t n;
    int64_t classes;
    nf_status status;
    const char *words;
} bad_labels[] = {
    {{0x3f, 0x80, 0, 0, 0, 0, 0, 0}, 2, 0, NF_ERR_SHAPE, "holds 2 labels, memory has 3 rows"},
    {{0}, 4, 0, NF_ERR_SHAPE, "holds 4 labels"},
    {{0, 0, 0, 0, 0x3f, 0, 0, 0, 0, 0, 0, 0}, 3, 0, NF_ERR_ARG, "label 1 of "},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0xbf, 0x80, 0, 0}, 3, 0, NF_ERR_ARG, "is -1, labels are whole numbers from 0 on"},
    {{0x7f, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 3, 0, NF_ERR_ARG, "label 0 of "},
    {{0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 3, 0, NF_ERR_ARG, "is inf"},
    {{0, 0, 0, 0, 0x40, 0x40, 0, 0, 0, 0, 0, 0}, 3, 3, NF_ERR_ARG, "is 3, label_classes is 3"},
    {{0, 0, 0, 0, 0x4f, 0, 0, 0, 0, 0, 0, 0}, 3, 0, NF_ERR_LIMIT, "cond_dim is 2147483649"},
};

START_TEST(labels_bad)
{
    unsigned char file[MOST];
    nf_dataset *d = NULL;
    nf_read_config config = {.struct_size = sizeof config, .labels = label_path, .label_classes = bad_labels[_i].classes};
    write_labels(file, idx(file, 0x0d, 1, &bad_labels[_i].n, bad_labels[_i].raw, 4 * (int64_t)bad_labels[_i].n));
    const nf_status status = nf_dataset_load_memory(&d, NULL, "1\n2\n3\n", 6, &config);
    ck_assert_msg(status == bad_labels[_i].status, "%d: %s", (int)status, nf_last_error());
    expect_line(bad_labels[_i].words);
    ck_assert_ptr_null(d);
    (void)unlink(label_path);
}
END_TEST

START_TEST(labels_misused)
{
    static const int64_t one[] = {1};
    unsigned char file[MOST];
    nf_dataset *d = NULL;
    nf_read_config config = {.struct_size = sizeof config, .labels = "/nowhere/labels"};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "1,2\n", 4, &config), NF_ERR_IO);
    expect_line("/nowhere/labels: cannot open: no such file");
    config.cond_columns = one;
    config.n_cond_columns = 1;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "1,2\n", 4, &config), NF_ERR_ARG);
    expect_line("cond_columns and labels are both given");
    write_labels("1,2\n", 4);
    config = (nf_read_config){.struct_size = sizeof config, .labels = label_path};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "1,2\n", 4, &config), NF_ERR_SHAPE);
    expect_line("has 2 columns, a file of labels has one");
    (void)unlink(label_path);
    config.labels = "/tmp";
    ck_assert_int_lt(nf_dataset_load_memory(&d, NULL, "1,2\n", 4, &config), 0);
    config = (nf_read_config){.struct_size = sizeof config, .label_classes = 3};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, label_file(file, 2, (const unsigned char[]){1, 2}), &config), NF_ERR_ARG);
    expect_line("memory has no labels of its own: name their file with labels");
    config = (nf_read_config){.struct_size = sizeof config, .label_kind = NF_LABEL_NUMBER + 1};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "1,2\n", 4, &config), NF_ERR_ARG);
    config = (nf_read_config){.struct_size = sizeof config, .max_rows = -1};
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "1,2\n", 4, &config), NF_ERR_ARG);
    ck_assert_ptr_null(d);
}
END_TEST

START_TEST(first_rows)
{
    unsigned char file[MOST];
    const uint32_t shape[3] = {4, 2, 3};
    const nf_read_config two = {.struct_size = sizeof two, .max_rows = 2}, many = {.struct_size = sizeof many, .max_rows = 1000};
    nf_dataset *d = NULL;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "0,1\n2,3\n4,5\n", 12, &two), NF_OK);
    expect_values(d, 2, 2, pixel_values);
    nf_dataset_unref(d);
    d = NULL;
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, "0,1\n2,3\n4\n", 10, &two), NF_ERR_PARSE); /* the rest is still checked */
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, idx(file, 8, 3, shape, pixels, 24), &two), NF_OK);
    expect_values(d, 2, 6, pixel_values);
    expect_shape(d, 2, 3, 1);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, npy(file, "(4, 6)", pixels, 24), &two), NF_OK);
    expect_values(d, 2, 6, pixel_values);
    nf_dataset_unref(d);
    ck_assert_int_eq(nf_dataset_load_memory(&d, NULL, file, npy(file, "(4, 6)", pixels, 24), &many), NF_OK);
    expect_values(d, 4, 6, pixel_values);
    nf_dataset_unref(d);
}
END_TEST

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

START_TEST(shapes)
{
    static const int64_t wrong[][3] = {{1, 2, 3}, {2, 2, 0}, {0, 0, 12}, {-3, -4, 1}, {-1, -12, 1}, {INT64_MAX, 2, 3}, {INT64_C(1) << 62, 4, 1}, {12, 1, -1}};
    float x[24] = {0};
    nf_dataset *d = NULL, *a = NULL, *b = NULL;
    int64_t h, w, c;
    ck_assert_int_eq(nf_dataset_from_array(&d, NULL, 2, 12, x), NF_OK);
    expect_shape(d, 0, 0, 0);
    ck_assert_int_eq(nf_dataset_set_image_shape(d, 2, 2, 3), NF_OK);
    for (int i = 0; i < SUPPORT_COUNT(wrong); i++) {
        ck_assert_int_eq(nf_dataset_set_image_shape(d, wrong[i][0], wrong[i][1], wrong[i][2]), NF_ERR_SHAPE);
        expect_line("the product must be the 12 columns");
        expect_shape(d, 2, 2, 3);
    }
    ck_assert_int_eq(nf_dataset_split(d, .5, 1, &a, &b), NF_OK);
    expect_shape(a, 2, 2, 3);
    expect_shape(b, 2, 2, 3);
    ck_assert_int_eq(nf_dataset_set_image_shape(d, 0, 0, 0), NF_OK);
    expect_shape(d, 0, 0, 0);
    ck_assert_int_eq(nf_dataset_image_shape(NULL, &h, &w, &c), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_image_shape(d, NULL, &w, &c), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_image_shape(d, &h, NULL, &c), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_image_shape(d, &h, &w, NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_dataset_set_image_shape(NULL, 1, 1, 1), NF_ERR_NULL);
    nf_dataset_unref(a);
    nf_dataset_unref(b);
    nf_dataset_unref(d);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("image");
    TCase *c = tcase_create("images");
    tcase_add_loop_test(c, idx_good, 0, SUPPORT_COUNT(idx_types));
    tcase_add_test(c, idx_images);
    tcase_add_loop_test(c, idx_bad, 0, SUPPORT_COUNT(bad_idx));
    tcase_add_test(c, idx_range);
    tcase_add_test(c, names_choose_readers);
#ifdef NFLOW_ZLIB
    tcase_add_test(c, gzip_members);
    tcase_add_test(c, gzip_damaged);
    tcase_add_test(c, gzip_promises);
    tcase_add_test(c, gzip_memory);
#endif
    tcase_add_test(c, cifar_good);
    tcase_add_test(c, cifar_bad);
    tcase_add_test(c, npy_images);
#ifdef NFLOW_PNG
    tcase_add_loop_test(c, png_good, 0, SUPPORT_COUNT(pictures));
    tcase_add_loop_test(c, png_bad, 0, SUPPORT_COUNT(bad_pictures));
    tcase_add_test(c, png_not);
    tcase_add_test(c, png_chunks);
    tcase_add_test(c, folder_sorted);
    tcase_add_test(c, folder_classes);
    tcase_add_test(c, folder_bad);
    tcase_add_test(c, folder_limits);
#else
    tcase_add_test(c, png_none);
#endif
    tcase_add_test(c, labels_good);
    tcase_add_loop_test(c, labels_bad, 0, SUPPORT_COUNT(bad_labels));
    tcase_add_test(c, labels_misused);
    tcase_add_test(c, first_rows);
    tcase_add_test(c, shapes);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
