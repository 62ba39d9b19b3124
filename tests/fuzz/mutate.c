/* SPDX-License-Identifier: MIT
 *
 * mutate.c - small changes of an input, by a random number generator of known seed
 */
#include "mutate.h"
#include <stdio.h>
#include <string.h>

static int64_t below(fuzz_input *in, int64_t n) { return n > 0 ? (int64_t)(random_bits(&in->random) % (uint64_t)n) : 0; }

/* Opens a gap of n bytes at `at`, n < 0: closes one; as far as there is room. */
static bool shift(fuzz_input *in, int64_t at, int64_t n)
{
    const int64_t from = n < 0 ? at - n : at;

    if (from > in->size || in->size + n > FUZZ_MOST) return false;
    memmove(in->bytes + at + (n < 0 ? 0 : n), in->bytes + from, (size_t)(in->size - from));
    in->size += n;
    return true;
}

static void flip_bit(fuzz_input *in, const unsigned char *other, int64_t size)
{
    (void)other, (void)size;
    if (in->size) in->bytes[below(in, in->size)] ^= (unsigned char)(1u << below(in, 8));
}

static void set_byte(fuzz_input *in, const unsigned char *other, int64_t size)
{
    static const unsigned char interesting[] = { 0, 1, 9, 10, 13, ' ', '"', '\'', ',', '-', '.', '0', '9', ':', ';', '[', '\\', ']', '{', '}',
                                                 'e', 0x7f, 0x80, 0xc0, 0xed, 0xef, 0xfe, 0xff };

    (void)other, (void)size;
    if (in->size) in->bytes[below(in, in->size)] = interesting[below(in, (int64_t)sizeof interesting)];
}

static void random_byte(fuzz_input *in, const unsigned char *other, int64_t size)
{
    (void)other, (void)size;
    if (in->size) in->bytes[below(in, in->size)] = (unsigned char)below(in, 256);
}

static void delete_range(fuzz_input *in, const unsigned char *other, int64_t size)
{
    const int64_t at = below(in, in->size);

    (void)other, (void)size;
    (void)shift(in, at, -(1 + below(in, in->size - at < 64 ? in->size - at - 1 : 63)));
}

static void repeat_range(fuzz_input *in, const unsigned char *other, int64_t size)
{
    const int64_t at = below(in, in->size), n = 1 + below(in, in->size - at < 64 ? in->size - at : 64);

    (void)other, (void)size;
    if (at + n <= in->size && shift(in, at + n, n)) memcpy(in->bytes + at + n, in->bytes + at, (size_t)n);
}

static void truncate_end(fuzz_input *in, const unsigned char *other, int64_t size)
{
    (void)other, (void)size;
    in->size = below(in, in->size + 1);
}

static void splice(fuzz_input *in, const unsigned char *other, int64_t size)
{
    const int64_t from = below(in, size), n = 1 + below(in, size - from < 256 ? size - from : 256), at = below(in, in->size + 1);

    if (from + n > size) return;
    if (below(in, 2) ? shift(in, at, n) : at + n <= in->size) memcpy(in->bytes + at, other + from, (size_t)n);
}

static void put_text(fuzz_input *in, int64_t at, int64_t replaced, const char *text)
{
    const int64_t n = (int64_t)strlen(text);

    if (at + replaced <= in->size && shift(in, at, n - replaced)) memcpy(in->bytes + at, text, (size_t)n);
}

static void insert_word(fuzz_input *in, const unsigned char *other, int64_t size)
{
    int64_t n = 0;

    (void)other, (void)size;
    while (fuzz_words[n]) n++;
    if (n) put_text(in, below(in, in->size + 1), 0, fuzz_words[below(in, n)]);
}

/* A decimal number becomes another. */
static void change_number(fuzz_input *in, const unsigned char *other, int64_t size)
{
    static const char *const numbers[] = { "0", "1", "-1", "2", "3", "8", "16", "64", "255", "256", "65535", "65536", "16777216", "16777217",
                                           "2147483647", "2147483648", "4294967295", "4611686018427387904", "9223372036854775807",
                                           "9223372036854775808", "18446744073709551615", "1e308", "1e999", "-0.0", "1e-320", "0.5" };
    int64_t at = below(in, in->size), end;

    (void)other, (void)size;
    while (at < in->size && (in->bytes[at] < '0' || in->bytes[at] > '9')) at++;
    for (end = at; end < in->size && in->bytes[end] >= '0' && in->bytes[end] <= '9';) end++;
    if (end > at) put_text(in, at, end - at, numbers[below(in, SUPPORT_COUNT(numbers))]);
}

/* 1, 2, 4 or 8 bytes become a number near a border. */
static void set_integer(fuzz_input *in, const unsigned char *other, int64_t size)
{
    const int64_t width = INT64_C(1) << below(in, 4), at = below(in, in->size - width + 1);
    const uint64_t value = (UINT64_C(1) << below(in, 64)) - (uint64_t)below(in, 3) + 1;

    (void)other, (void)size;
    if (in->size >= width) memcpy(in->bytes + at, &value, (size_t)width);
}

typedef void (*mutation)(fuzz_input *in, const unsigned char *other, int64_t size);
static const mutation mutations[] = { flip_bit, set_byte, random_byte, delete_range, repeat_range, truncate_end, splice, insert_word,
                                      change_number, change_number, set_integer, flip_bit, random_byte };

void fuzz_mutate(fuzz_input *in, const unsigned char *other, int64_t other_size)
{
    for (int64_t n = 1 + below(in, below(in, 2) ? 2 : 8); n > 0; n--)
        mutations[below(in, SUPPORT_COUNT(mutations))](in, other, other_size);
}
