/* SPDX-License-Identifier: MIT
 *
 * core_test.c - statuses, contexts, memory, configs, random numbers and the pool
 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/config.h"
#include "core/context.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/rng.h"
#include "core/status.h"
#include <nflow/layer_type.h>

/* An allocator that counts what lives and refuses the allocation number fail_at (from 0; -1: none). */
struct ledger {
    int64_t blocks, bytes, calls, fail_at;
};

static void *ledger_alloc(void *user, int64_t size, int64_t alignment)
{
    struct ledger *ledger = user;
    void *ptr = NULL;

    if (ledger->calls++ == ledger->fail_at || posix_memalign(&ptr, (size_t)alignment, (size_t)size) != 0)
        return NULL;
    ledger->blocks++;
    ledger->bytes += size;
    return ptr;
}

static void ledger_free(void *user, void *ptr, int64_t size)
{
    struct ledger *ledger = user;

    ledger->blocks--;
    ledger->bytes -= size;
    free(ptr);
}

static nf_context *context_of_threads(int32_t threads)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;

    config.threads = threads;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    return context;
}

START_TEST(status_words)
{
    ck_assert_str_eq(nf_status_name(NF_ERR_SHAPE), "NF_ERR_SHAPE");
    ck_assert_str_eq(nf_status_text(NF_OK), "success");
    ck_assert_str_eq(nf_status_name(-1000), "unknown status");
    ck_assert_str_eq(nf_status_text(77), "unknown status");
    ck_assert_str_eq(nf_version(), "0.1.0");
    ck_assert_int_eq(nf_version_number(), 100);
}
END_TEST

START_TEST(status_line)
{
    char text[3000];

    ck_assert_int_eq(nfi_fail(NF_ERR_ARG, "nf_x: n is %d", 5), NF_ERR_ARG);
    ck_assert_str_eq(nf_last_error(), "nf_x: n is 5");
    ck_assert_int_eq(nfi_fail_in(NF_ERR_ARG, "layer %d", 3), NF_ERR_ARG);
    ck_assert_str_eq(nf_last_error(), "layer 3: nf_x: n is 5");
    (void)nfi_fail(NF_ERR_ARG, "again: %s", nf_last_error());
    ck_assert_str_eq(nf_last_error(), "again: layer 3: nf_x: n is 5");
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(nf_fail(NF_ERR_IO, text), NF_ERR_IO);
    ck_assert_uint_eq(strlen(nf_last_error()), 1023);
    (void)nfi_fail_in(NF_ERR_IO, "%s", text);
    ck_assert_uint_eq(strlen(nf_last_error()), 1023);
    (void)nf_fail(NF_ERR_IO, NULL);
    ck_assert_str_eq(nf_last_error(), nf_status_text(NF_ERR_IO));
}
END_TEST

START_TEST(philox_known_answers)
{
    static const struct {
        uint32_t counter[4];
        uint64_t key;
        uint32_t out[4];
    } cases[] = {
        { { 0, 0, 0, 0 }, 0, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          0xffffffffffffffff,
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          0x299f31d0a4093822,
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t out[4];

        nfi_philox(cases[i].key, cases[i].counter, out);
        ck_assert_mem_eq(out, cases[i].out, sizeof out);
    }
}
END_TEST

/* Long vectors of blocks are the blocks one by one, over the end of the low word of the index too. */
START_TEST(random_words_are_those_of_blocks)
{
    static const uint64_t firsts[] = { 0, 5, 0xfffffffdu, 0x7fffffffffffff00u };
    for (size_t f = 0; f < sizeof firsts / sizeof *firsts; f++)
        for (int64_t n = 1; n < 20; n++) {
            uint32_t words[4 * 20], block[4];
            memset(words, 0xA5, sizeof words);
            nfi_random_words(0x123456789abcdef, 262, firsts[f], n, words);
            for (int64_t i = 0; i < n; i++) {
                nfi_random_block(0x123456789abcdef, 262, firsts[f] + (uint64_t)i, block);
                ck_assert_mem_eq(words + 4 * i, block, sizeof block);
            }
            ck_assert_uint_eq(words[4 * n], 0xA5A5A5A5u);
        }
}
END_TEST

START_TEST(uniform_is_open)
{
    double sum = 0.0;

    for (uint64_t i = 0; i < 10000; i++) {
        const double u = nfi_uniform(7, NFI_STREAM_DATA, i);

        ck_assert(u > 0.0 && u < 1.0);
        sum += u;
    }
    ck_assert_double_eq_tol(sum / 10000.0, 0.5, 0.02); /* 7 standard deviations */
}
END_TEST

START_TEST(permutation_is_a_bijection)
{
    enum { MOST = 1000 };
    int64_t order[MOST], again[MOST];

    for (int64_t n = 0; n <= MOST; n += n < 20 ? 1 : 245) {
        bool seen[MOST] = { false };

        nfi_random_permutation(3, NFI_STREAM_SHUFFLE, 17, n, order);
        nfi_random_permutation(3, NFI_STREAM_SHUFFLE, 17, n, again);
        for (int64_t i = 0; i < n; i++) {
            ck_assert(order[i] >= 0 && order[i] < n);
            ck_assert(!seen[order[i]]);
            ck_assert_int_eq(order[i], again[i]);
            seen[order[i]] = true;
        }
    }
}
END_TEST

START_TEST(checked_arithmetic)
{
    int64_t out;
    nfi_layout layout = { 0, false };

    ck_assert(nfi_add(2, 3, &out) && out == 5);
    ck_assert(nfi_add(INT64_MAX - 1, 1, &out) && out == INT64_MAX);
    ck_assert(!nfi_add(INT64_MAX, 1, &out));
    ck_assert(!nfi_add(-1, 1, &out));
    ck_assert(nfi_mul(0, INT64_MAX, &out) && out == 0);
    ck_assert(nfi_mul(INT64_MAX, 0, &out) && out == 0);
    ck_assert(nfi_mul(INT64_C(3037000499), INT64_C(3037000499), &out));
    ck_assert(!nfi_mul(INT64_C(3037000500), INT64_C(3037000500), &out));
    ck_assert(!nfi_mul(1, -1, &out));
    ck_assert_int_eq(nfi_layout_add(&layout, 3, 4), 0);
    ck_assert_int_eq(nfi_layout_add(&layout, 65, 1), 64);
    ck_assert_int_eq(layout.size, 192);
    (void)nfi_layout_add(&layout, INT64_MAX, 2);
    ck_assert(layout.overflow);
    (void)nfi_layout_add(&layout, 1, 1);
    ck_assert(layout.overflow && layout.size == 192);
}
END_TEST

START_TEST(alloc_is_zeroed_and_aligned)
{
    nf_status status;
    unsigned char *p = nfi_alloc(NULL, 100, 3, &status);
    char *text = nfi_strdup(NULL, "abc", NULL);

    ck_assert_int_eq(status, NF_OK);
    ck_assert_uint_eq((uintptr_t)p % NFI_ALIGN, 0);
    for (int i = 0; i < 300; i++)
        ck_assert_uint_eq(p[i], 0);
    nfi_free(NULL, p, 100, 3);
    p = nfi_alloc(NULL, 0, 8, &status);
    ck_assert_ptr_nonnull(p);
    nfi_free(NULL, p, 0, 8);
    ck_assert_ptr_null(nfi_alloc(NULL, INT64_MAX, 2, &status));
    ck_assert_int_eq(status, NF_ERR_OVERFLOW);
    ck_assert_ptr_null(nfi_alloc(NULL, -1, 2, &status));
    ck_assert_int_eq(status, NF_ERR_OVERFLOW);
    ck_assert_str_eq(text, "abc");
    nfi_strfree(NULL, text);
    nfi_strfree(NULL, NULL);
    nfi_free(NULL, NULL, 1, 1);
}
END_TEST

struct sample_config {
    uint32_t struct_size;
    int32_t width;
    int64_t count;
    double rate;
    int32_t mode;
    int32_t flag;
    const char *title;
    const int64_t *sizes;
    int64_t n_sizes;
    const double *knots;
    int64_t n_knots;
    uint64_t seed;
};

#define SAMPLE(member, kind, properties, fallback, min, max, choices)                                                  \
    NFI_FIELD(struct sample_config, member, kind, properties, fallback, min, max, choices, "help")
static const nf_field sample_fields[] = {
    SAMPLE(width, NF_FIELD_I32, NF_FIELD_REQUIRED, 0, 1, 100, NULL),
    SAMPLE(count, NF_FIELD_I64, 0, 10, 1, 1e6, NULL),
    SAMPLE(rate, NF_FIELD_F64, 0, 0.5, 0.25, 1, NULL),
    SAMPLE(mode, NF_FIELD_CHOICE, 0, 2, 0, 0, "one,two,three"),
    SAMPLE(flag, NF_FIELD_FLAG, 0, 0, 0, 1, NULL),
    SAMPLE(title, NF_FIELD_STRING, 0, 0, 0, 0, NULL),
    NFI_ARRAY(struct sample_config, sizes, n_sizes, NF_FIELD_I64_ARRAY, 0, 1, 64, "help"),
    NFI_ARRAY(struct sample_config, knots, n_knots, NF_FIELD_F64_ARRAY, 0, -1, 1, "help"),
    SAMPLE(seed, NF_FIELD_U64, 0, 0, 0, 0, NULL),
};
static const nfi_config_type sample_type = {
    .name = "sample",
    .first_size = offsetof(struct sample_config, title),
    .size = sizeof(struct sample_config),
    .fields = sample_fields,
    .n_fields = sizeof sample_fields / sizeof sample_fields[0],
};

START_TEST(config_sizes)
{
    struct {
        struct sample_config known;
        int64_t later;
    } config = { { .struct_size = sizeof config, .width = 5 }, 0 };
    struct sample_config out;

    ck_assert_int_eq(nfi_config_resolve(&sample_type, NULL, &out, "f"), NF_ERR_NULL);
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_OK);
    ck_assert_uint_eq(out.struct_size, sizeof out);
    config.later = INT64_C(1) << 40;
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_ERR_CONFIG_NEW);
    config.known.struct_size = 7;
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_ERR_CONFIG_SMALL);
    config.known.struct_size = 0;
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_ERR_CONFIG_SMALL);
    config.known.struct_size = 0xcccccccc;
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_ERR_CONFIG_SMALL);
    config.known.struct_size = sample_type.first_size - 4;
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_ERR_CONFIG_OLD);
    config.known.struct_size = sample_type.first_size;
    config.known.seed = 9; /* beyond the end that the caller knows */
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_OK);
    ck_assert_uint_eq(out.seed, 0);
}
END_TEST

START_TEST(config_defaults)
{
    const struct sample_config config = { .struct_size = sizeof config, .width = 5, .seed = UINT64_MAX };
    struct sample_config out;

    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_OK);
    ck_assert_int_eq(out.width, 5);
    ck_assert_int_eq(out.count, 10);
    ck_assert_double_eq(out.rate, 0.5);
    ck_assert_int_eq(out.mode, 2);
    ck_assert_uint_eq(out.seed, UINT64_MAX);
}
END_TEST

#define SAMPLE_ANSWERS(expected, ...)                                                                                  \
    do {                                                                                                               \
        const struct sample_config bad = { .struct_size = sizeof bad, .width = 1, __VA_ARGS__ };                       \
        struct sample_config answer;                                                                                   \
        ck_assert_int_eq(nfi_config_resolve(&sample_type, &bad, &answer, "f"), expected);                              \
    } while (0)

START_TEST(config_ranges)
{
    const int64_t sizes[] = { 1, 64, 65 };
    const double knots[] = { -1, 1, NAN };
    const struct sample_config none = { .struct_size = sizeof none };
    struct sample_config out;

    ck_assert_int_eq(nfi_config_resolve(&sample_type, &none, &out, "f"), NF_ERR_ARG);
    ck_assert_str_eq(nf_last_error(), "f: width is required and not set");
    SAMPLE_ANSWERS(NF_OK, .count = 1000000);
    SAMPLE_ANSWERS(NF_ERR_ARG, .count = 1000001);
    ck_assert_str_eq(nf_last_error(), "f: count is 1000001, allowed are 1 to 1000000");
    SAMPLE_ANSWERS(NF_ERR_ARG, .count = -1);
    SAMPLE_ANSWERS(NF_ERR_ARG, .rate = 0.125);
    ck_assert_str_eq(nf_last_error(), "f: rate is 0.125, allowed are 0.25 to 1");
    SAMPLE_ANSWERS(NF_ERR_NONFINITE, .rate = NAN);
    SAMPLE_ANSWERS(NF_ERR_NONFINITE, .rate = INFINITY);
    SAMPLE_ANSWERS(NF_OK, .mode = 3);
    SAMPLE_ANSWERS(NF_ERR_ARG, .mode = 4);
    SAMPLE_ANSWERS(NF_ERR_ARG, .mode = -1);
    SAMPLE_ANSWERS(NF_ERR_ARG, .flag = 2);
    SAMPLE_ANSWERS(NF_OK, .sizes = sizes, .n_sizes = 2);
    SAMPLE_ANSWERS(NF_OK, .sizes = sizes, .n_sizes = 0);
    SAMPLE_ANSWERS(NF_ERR_ARG, .sizes = sizes, .n_sizes = 3);
    SAMPLE_ANSWERS(NF_ERR_ARG, .sizes = sizes, .n_sizes = -1);
    SAMPLE_ANSWERS(NF_ERR_ARG, .n_sizes = 1);
    SAMPLE_ANSWERS(NF_OK, .knots = knots, .n_knots = 2);
    SAMPLE_ANSWERS(NF_ERR_NONFINITE, .knots = knots, .n_knots = 3);
}
END_TEST

START_TEST(config_own_copies)
{
    int64_t sizes[] = { 4, 5 };
    char title[] = "title";
    const struct sample_config config = {
        .struct_size = sizeof config, .width = 1, .title = title, .sizes = sizes, .n_sizes = 2
    };
    struct sample_config out;
    nf_maker *maker;

    ck_assert_int_eq(nfi_maker_create(&maker, NULL), NF_OK);
    ck_assert_int_eq(nfi_config_resolve(&sample_type, &config, &out, "f"), NF_OK);
    ck_assert_int_eq(nfi_config_own(&sample_type, &out, maker), NF_OK);
    memset(title, 'x', 5);
    sizes[1] = 0;
    ck_assert_str_eq(out.title, "title");
    ck_assert_int_eq(out.sizes[1], 5);
    ck_assert_ptr_null(out.knots);
    nfi_maker_free(maker);
}
END_TEST

START_TEST(config_choices)
{
    const nf_field *field = &sample_fields[3];
    char name[16];

    nfi_choice_name(field, 1, name, sizeof name);
    ck_assert_str_eq(name, "one");
    nfi_choice_name(field, 3, name, sizeof name);
    ck_assert_str_eq(name, "three");
    nfi_choice_name(field, 3, name, 4);
    ck_assert_str_eq(name, "thr");
    nfi_choice_name(field, 0, name, sizeof name);
    ck_assert_str_eq(name, "?");
    nfi_choice_name(field, 4, name, sizeof name);
    ck_assert_str_eq(name, "?");
    ck_assert_int_eq(nfi_choice_value(field, "two"), 2);
    ck_assert_int_eq(nfi_choice_value(field, "three"), 3);
    ck_assert_int_eq(nfi_choice_value(field, "tw"), 0);
    ck_assert_int_eq(nfi_choice_value(field, ""), 0);
}
END_TEST

START_TEST(context_defaults)
{
    nf_context *context = NULL;
    nf_context_config config;
    nf_context_config null = *nfi_context_config(NULL), made;

    ck_assert_int_eq(nf_context_create(NULL, NULL), NF_ERR_NULL);
    ck_assert_int_eq(nf_context_create(&context, NULL), NF_OK);
    made = *nfi_context_config(context);
    ck_assert_mem_eq(&null, &made, sizeof null); /* the default of NULL and the table agree */
    ck_assert_int_eq(nf_context_threads(NULL), 1);
    nf_context_unref(context);
    context = context_of_threads(-1);
    ck_assert_int_ge(nf_context_threads(context), 1);
    nf_context_unref(context);
    nf_context_unref(NULL);
    nf_context_config_init(&config);
    config.alloc = ledger_alloc;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_ERR_ARG);
    ck_assert_ptr_null(context);
    nf_context_config_init(&config);
    config.threads = -2;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_ERR_ARG);
    nf_context_config_init(&config);
    for (config.isa = NF_ISA_BASELINE; config.isa <= NF_ISA_NEON; config.isa++) {
        ck_assert_int_eq(nf_context_create(&context, &config),
                         nfi_cpu_has_isa(config.isa) ? NF_OK : NF_ERR_UNSUPPORTED);
        nf_context_unref(context);
    }
    ck_assert(nfi_cpu_has_isa(nfi_cpu_best_isa()));
}
END_TEST

START_TEST(context_cancel)
{
    nf_context *context = context_of_threads(1);

    ck_assert(!nfi_context_cancelled(NULL));
    ck_assert(!nfi_context_cancelled(context));
    nf_context_cancel(context);
    ck_assert(nfi_context_cancelled(context));
    nf_context_resume(context);
    ck_assert(!nfi_context_cancelled(context));
    nf_context_cancel(NULL);
    nf_context_resume(NULL);
    nf_context_unref(context);
}
END_TEST

START_TEST(context_types)
{
    nf_context *context = context_of_threads(1);
    char name[16];
    int payload;

    ck_assert_int_eq(nfi_context_add_type(NULL, "a", &payload), NF_ERR_NULL);
    for (int i = 0; i < 256; i++) {
        (void)snprintf(name, sizeof name, "type%d", i);
        ck_assert_int_eq(nfi_context_add_type(context, name, &payload), NF_OK);
    }
    ck_assert_int_eq(nfi_context_add_type(context, "type7", &payload), NF_ERR_ARG);
    ck_assert_int_eq(nfi_context_add_type(context, "more", &payload), NF_ERR_LIMIT);
    ck_assert_ptr_eq(nfi_context_find_type(context, "type0"), &payload);
    ck_assert_ptr_null(nfi_context_find_type(context, "more"));
    ck_assert_ptr_null(nfi_context_find_type(NULL, "type0"));
    nf_context_unref(context);
}
END_TEST

static void log_keep(void *user, int32_t level, const char *line)
{
    (void)snprintf(user, 64, "%d %s", (int)level, line);
}

START_TEST(context_log)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    char kept[64] = "";
    nf_context *context;

    config.log = log_keep;
    config.log_user = kept;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    nfi_context_log(context, NF_LOG_INFO, "epoch %d", 3);
    ck_assert_str_eq(kept, "2 epoch 3");
    nfi_context_log(NULL, NF_LOG_INFO, "nobody");
    nf_context_unref(context);
}
END_TEST

static void released_count(void *user) { ++*(int *)user; }

START_TEST(context_released)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context;
    nfi_object *object;
    int calls = 0;

    config.released = released_count;
    config.released_user = &calls;
    config.isa = 99;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_ERR_ARG);
    ck_assert_int_eq(calls, 0); /* no context, no end of one */
    config.isa = 0;
    config.threads = 3;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    object = nfi_object_create(context, 64, NFI_TAG_FLOW);
    nf_context_unref(context);
    ck_assert_int_eq(calls, 0); /* the object keeps it */
    ck_assert(nfi_object_release(object, NFI_TAG_FLOW));
    nfi_object_free(object, 64);
    ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(objects)
{
    nf_context *context = context_of_threads(1);
    nfi_object *object = nfi_object_create(context, 200, NFI_TAG_FLOW);

    nf_context_unref(context); /* the object keeps it */
    ck_assert_int_eq(nfi_object_check(object, NFI_TAG_FLOW, "f: flow"), NF_OK);
    ck_assert_int_eq(nfi_object_check(object, NFI_TAG_LAYER, "f: layer"), NF_ERR_HANDLE);
    ck_assert_int_eq(nfi_object_check(NULL, NFI_TAG_LAYER, "f: layer"), NF_ERR_NULL);
    ck_assert_str_eq(nf_last_error(), "f: layer is NULL");
    ck_assert_ptr_eq(nfi_object_ref(object, NFI_TAG_FLOW), object);
    ck_assert(!nfi_object_release(object, NFI_TAG_LAYER)); /* not its kind: nothing is counted */
    ck_assert(!nfi_object_release(object, NFI_TAG_FLOW));
    ck_assert(nfi_object_release(object, NFI_TAG_FLOW));
    nfi_object_free(object, 200);
    ck_assert(!nfi_object_release(NULL, NFI_TAG_FLOW));
    ck_assert_ptr_null(nfi_object_ref(NULL, NFI_TAG_FLOW));
}
END_TEST

/* Everything in core that allocates. */
static nf_status allocate_all(struct ledger *ledger)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_maker *maker = NULL;
    nfi_object *object = NULL;
    nf_status status;

    config.threads = 4;
    config.alloc = ledger_alloc;
    config.free = ledger_free;
    config.alloc_user = ledger;
    status = nf_context_create(&context, &config);
    if (status < 0) {
        ck_assert_ptr_null(context);
        return status;
    }
    status = nfi_context_add_type(context, "name", ledger);
    if (status == NF_OK)
        status = nfi_maker_create(&maker, context);
    if (status == NF_OK && (nfi_maker_alloc(maker, 3, 5) == NULL || nf_maker_alloc(maker, 5000) == NULL))
        status = NF_ERR_MEMORY;
    if (status == NF_OK) {
        object = nfi_object_create(context, 100, NFI_TAG_BASE);
        status = object != NULL ? NF_OK : NF_ERR_MEMORY;
    }
    if (nfi_object_release(object, NFI_TAG_BASE))
        nfi_object_free(object, 100);
    nfi_maker_free(maker);
    nf_context_unref(context);
    return status;
}

START_TEST(failing_allocator)
{
    struct ledger ledger = { .fail_at = -1 };
    int64_t calls;

    ck_assert_int_eq(allocate_all(&ledger), NF_OK);
    calls = ledger.calls;
    ck_assert_int_ge(calls, 7);
    for (int64_t i = 0; i < calls; i++) {
        ledger = (struct ledger){ .fail_at = i };
        ck_assert_int_eq(allocate_all(&ledger), NF_ERR_MEMORY);
        ck_assert_ptr_nonnull(strstr(nf_last_error(), "out of memory"));
        ck_assert_int_eq(ledger.blocks, 0);
        ck_assert_int_eq(ledger.bytes, 0);
    }
}
END_TEST

enum { TASKS = 3000 };

struct cover {
    nf_context *context;
    int64_t n;
    int32_t hits[TASKS];
    int32_t nested[TASKS][3];
};

static void cover_nested_task(void *arg, int64_t i) { ((int32_t *)arg)[i]++; }

static void cover_task(void *arg, int64_t i)
{
    struct cover *cover = arg;

    cover->hits[i]++;
    if (i % 7 == 0)
        nfi_parallel_for(cover->context, 3, cover_nested_task, cover->nested[i]);
}

static void cover_once(nf_context *context, int64_t n)
{
    struct cover *cover = calloc(1, sizeof *cover);
    int64_t wrong = 0; /* one assertion in all: each costs a system call */

    ck_assert_ptr_nonnull(cover);
    cover->context = context;
    nfi_parallel_for(context, n, cover_task, cover);
    for (int64_t i = 0; i < TASKS; i++) {
        wrong += cover->hits[i] != (i < n);
        for (int j = 0; j < 3; j++)
            wrong += cover->nested[i][j] != (i < n && i % 7 == 0);
    }
    free(cover);
    ck_assert_int_eq(wrong, 0);
}

START_TEST(parallel_for_covers)
{
    static const int32_t threads[] = { 1, 2, 3, 8 };

    cover_once(NULL, 10);
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        nf_context *context = context_of_threads(threads[t]);

        ck_assert_int_eq(nfi_context_worker_count(context), threads[t]);
        for (int round = 0; round < 50; round++)
            for (int64_t n = 0; n <= 9; n++)
                cover_once(context, n);
        cover_once(context, TASKS);
        for (int round = 0; round < 20; round++) {
            usleep(200); /* long enough for the workers to sleep */
            cover_once(context, 100);
        }
        nf_context_unref(context);
    }
}
END_TEST

static void *cover_from_thread(void *arg)
{
    for (int round = 0; round < 50; round++)
        cover_once(arg, 40);
    return NULL;
}

START_TEST(parallel_for_from_many_threads)
{
    nf_context *context = context_of_threads(3);
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, cover_from_thread, context), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    nf_context_unref(context);
}
END_TEST

static void host_parallel_for(void *user, int64_t n, nf_task_fn task, void *arg)
{
    (*(int *)user)++;
    for (int64_t i = n; i-- > 0;)
        task(arg, i);
}

START_TEST(parallel_for_of_the_host)
{
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context;
    int32_t alone = 0;
    int calls = 0;

    config.threads = 2;
    config.parallel_for = host_parallel_for;
    config.parallel_user = &calls;
    ck_assert_int_eq(nf_context_create(&context, &config), NF_OK);
    cover_once(context, 30);
    ck_assert_int_eq(calls, 1);
    nfi_parallel_for(context, 1, cover_nested_task, &alone);
    ck_assert_int_eq(alone, 1);
    ck_assert_int_eq(calls, 1);
    nf_context_unref(context);
}
END_TEST

#if !defined(__SANITIZE_THREAD__) /* which refuses threads in the child of a process with threads */
START_TEST(fork_after_use)
{
    nf_context *context = context_of_threads(4);

#if defined(__SANITIZE_ADDRESS__)
    /* A thread that is starting may hold a lock of the sanitizer's allocator, which GCC 12's does not release in the
     * child: let the workers get over their start. */
    cover_once(context, 64);
    usleep(200000);
#endif
    for (int round = 0; round < 100; round++) {
        pid_t child;
        int state;

        cover_once(context, 64);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            alarm(5);
            for (int i = 0; i < 3; i++) {
                int32_t hits[200] = { 0 };

                nfi_parallel_for(context, 200, cover_nested_task, hits);
                for (int j = 0; j < 200; j++)
                    if (hits[j] != 1)
                        _exit(1);
            }
            nf_context_unref(context);
            _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &state, 0), child);
        ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    }
    cover_once(context, 64);
    nf_context_unref(context);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("core");
    TCase *cases = tcase_create("core");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    tcase_add_test(cases, status_words);
    tcase_add_test(cases, status_line);
    tcase_add_test(cases, philox_known_answers);
    tcase_add_test(cases, random_words_are_those_of_blocks);
    tcase_add_test(cases, uniform_is_open);
    tcase_add_test(cases, permutation_is_a_bijection);
    tcase_add_test(cases, checked_arithmetic);
    tcase_add_test(cases, alloc_is_zeroed_and_aligned);
    tcase_add_test(cases, config_sizes);
    tcase_add_test(cases, config_defaults);
    tcase_add_test(cases, config_ranges);
    tcase_add_test(cases, config_own_copies);
    tcase_add_test(cases, config_choices);
    tcase_add_test(cases, context_defaults);
    tcase_add_test(cases, context_cancel);
    tcase_add_test(cases, context_types);
    tcase_add_test(cases, context_log);
    tcase_add_test(cases, context_released);
    tcase_add_test(cases, objects);
    tcase_add_test(cases, failing_allocator);
    tcase_add_test(cases, parallel_for_covers);
    tcase_add_test(cases, parallel_for_from_many_threads);
    tcase_add_test(cases, parallel_for_of_the_host);
#if !defined(__SANITIZE_THREAD__)
    tcase_add_test(cases, fork_after_use);
#endif
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
