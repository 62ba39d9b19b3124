/* SPDX-License-Identifier: MIT
 *
 * number.c - decimal text to double
 *
 * A number is w 10^e with an integer w. Three ways, each exact before its one rounding:
 *   w < 2^53, |e| <= 22           one multiplication or division of doubles that are exact
 *   w of up to 19 digits, |e| <= 27  128-bit integers: 5^27 < 2^63
 *   the rest                      big integers, one bit of the quotient at a time
 * Digits beyond the first 770 only matter as "some are not zero": halfway cases have at most 767.
 */
#include "data/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    MAX_DIGITS = 770,      /* digits kept, and one more that stands for the rest */
    MAX_WORDS = 160        /* 5120 bits: 5^(345 + 771) has 2592, 10^771 2562, 2^1100 of shift */
};

/* The parts of a number's text. */
typedef struct decimal {
    bool negative, truncated;        /* truncated: digits that are not zero were left out */
    int32_t count;                   /* significant digits kept */
    int64_t exponent;                /* value = digits 10^exponent */
    uint8_t digits[MAX_DIGITS + 1];
} decimal;

/* ---- rounding -------------------------------------------------------------------------------------------------- */

/* m 2^e, m with its top bit set, plus something below m's last bit when sticky: as the nearest double. */
static nfi_number_result round_binary(uint64_t m, int64_t e, bool sticky, double *out)
{
    const int64_t top = e + 63; /* exponent of the leading bit */
    if (top > 1023)
        return NFI_NUMBER_RANGE;
    const int64_t shift = top >= -1022 ? 11 : 11 - 1022 - top;
    uint64_t kept = shift < 64 ? m >> shift : 0, bits;
    if (shift <= 64) {
        const uint64_t half = m >> (shift - 1) & 1;
        const bool below = (m & ((UINT64_C(1) << (shift - 1)) - 1)) != 0 || sticky;
        kept += half && (below || (kept & 1));
    }
    bits = top >= -1022 ? ((uint64_t)(top + 1022) << 52) + kept : kept; /* a carry moves into the exponent */
    if (bits >> 52 == 0x7ff)
        return NFI_NUMBER_RANGE;
    memcpy(out, &bits, sizeof bits);
    return NFI_NUMBER_OK;
}

/* ---- 128 bits -------------------------------------------------------------------------------------------------- */

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

static nfi_number_result round_wide(wide value, int64_t e, bool sticky, double *out)
{
    while (value >> 127 == 0) { /* value is not 0 */
        const int step = value >> 64 == 0 ? 64 : 1;
        value <<= step;
        e -= step;
    }
    return round_binary((uint64_t)(value >> 64), e + 64, sticky || (uint64_t)value != 0, out);
}

/* w 10^e, w > 0, |e| <= 27. */
static nfi_number_result by_wide(uint64_t w, int64_t e, double *out)
{
    uint64_t power = 1;
    for (int64_t i = 0; i < (e < 0 ? -e : e); i++)
        power *= 5;
    if (e >= 0)
        return round_wide((wide)w * power, e, false, out);
    int64_t shift = 64;
    while (w >> 63 == 0) {
        w <<= 1;
        shift++;
    }
    const wide dividend = (wide)w << 64;
    return round_wide(dividend / power, e - shift, dividend % power != 0, out);
}
#endif

/* ---- big integers ---------------------------------------------------------------------------------------------- */

typedef struct big {
    int32_t count; /* words in use; the top one is not 0 */
    uint32_t words[MAX_WORDS];
} big;

/* a = a factor + addend. The bounds above keep every number within MAX_WORDS. */
static void big_multiply_add(big *a, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (int32_t i = 0; i < a->count; i++) {
        carry += (uint64_t)a->words[i] * factor;
        a->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0 && a->count < MAX_WORDS)
        a->words[a->count++] = (uint32_t)carry;
}

static void big_multiply_power(big *a, uint32_t base, int64_t exponent)
{
    for (int64_t i = 0; i < exponent; i++)
        big_multiply_add(a, base, 0);
}

static int64_t big_bits(const big *a)
{
    int64_t bits = 32 * (int64_t)(a->count - 1);
    for (uint32_t top = a->words[a->count - 1]; top != 0; top >>= 1)
        bits++;
    return bits;
}

static void big_shift_left(big *a, int64_t bits)
{
    const int32_t words = (int32_t)(bits / 32);
    if (words > 0) {
        memmove(a->words + words, a->words, (size_t)a->count * sizeof *a->words);
        memset(a->words, 0, (size_t)words * sizeof *a->words);
        a->count += words;
    }
    big_multiply_add(a, UINT32_C(1) << bits % 32, 0);
}

static int big_compare(const big *a, const big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int32_t i = a->count - 1; i >= 0; i--)
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

/* a -= b, a >= b. */
static void big_subtract(big *a, const big *b)
{
    uint64_t borrow = 0;
    for (int32_t i = 0; i < a->count; i++) {
        const uint64_t taken = (i < b->count ? b->words[i] : 0) + borrow;
        borrow = a->words[i] < taken;
        a->words[i] = (uint32_t)(a->words[i] - taken);
    }
    while (a->count > 0 && a->words[a->count - 1] == 0)
        a->count--;
}

/* numerator / denominator 2^e. */
static nfi_number_result big_divide(big *numerator, big *denominator, int64_t e, double *out)
{
    const int64_t shift = big_bits(denominator) - big_bits(numerator);
    if (shift > 0)
        big_shift_left(numerator, shift);
    else
        big_shift_left(denominator, -shift);
    e -= shift; /* now 1/2 < numerator / denominator < 2 */
    if (big_compare(numerator, denominator) < 0) {
        big_multiply_add(numerator, 2, 0);
        e--;
    }
    uint64_t quotient = 0;
    for (int i = 0; i < 64; i++) {
        quotient <<= 1;
        if (big_compare(numerator, denominator) >= 0) {
            big_subtract(numerator, denominator);
            quotient |= 1;
        }
        big_multiply_add(numerator, 2, 0);
    }
    return round_binary(quotient, e - 63, numerator->count != 0, out);
}

static nfi_number_result by_big(const decimal *d, double *out)
{
    big numerator = {0}, denominator = {.count = 1, .words = {1}};
    for (int32_t i = 0; i < d->count; i++)
        big_multiply_add(&numerator, 10, d->digits[i]);
    if (d->exponent >= 0)
        big_multiply_power(&numerator, 5, d->exponent);
    else
        big_multiply_power(&denominator, 5, -d->exponent);
    return big_divide(&numerator, &denominator, d->exponent, out);
}

/* ---- choosing the way ------------------------------------------------------------------------------------------ */

#if FLT_EVAL_METHOD == 0
static bool by_doubles(uint64_t w, int64_t e, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (w >> 53 != 0 || e < -22 || e > 22)
        return false;
    *out = e < 0 ? (double)w / powers[-e] : (double)w * powers[e];
    return true;
}
#endif

static nfi_number_result magnitude(decimal *d, double *out)
{
    const int64_t lead = d->exponent + d->count; /* value < 10^lead, >= 10^(lead - 1) */
    *out = 0;
    if (d->count == 0 || lead < -324)
        return NFI_NUMBER_OK;
    if (lead > 310)
        return NFI_NUMBER_RANGE;
    if (d->count <= 19) {
        uint64_t w = 0;
        for (int32_t i = 0; i < d->count; i++)
            w = w * 10 + d->digits[i];
#if FLT_EVAL_METHOD == 0
        if (by_doubles(w, d->exponent, out))
            return NFI_NUMBER_OK;
#endif
#ifdef __SIZEOF_INT128__
        if (d->exponent >= -27 && d->exponent <= 27)
            return by_wide(w, d->exponent, out);
#endif
    }
    if (d->truncated) {
        d->digits[d->count++] = 1;
        d->exponent--;
    }
    return by_big(d, out);
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool is_word(const char *text, int64_t size, const char *word)
{
    for (int64_t i = 0; i < size; i++)
        if (word[i] == '\0' || lower(text[i]) != word[i])
            return false;
    return word[size] == '\0';
}

/* Digits and the point; returns where they end, -1 when there is no digit. */
static int64_t scan_digits(const char *text, int64_t size, int64_t at, decimal *d)
{
    bool any = false, point = false;
    for (; at < size; at++) {
        if (text[at] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(text[at]))
            break;
        any = true;
        const uint8_t digit = (uint8_t)(text[at] - '0');
        if (d->count == 0 && digit == 0) { /* a leading zero counts only behind the point */
            d->exponent -= point;
        } else if (d->count < MAX_DIGITS) {
            d->digits[d->count++] = digit;
            d->exponent -= point;
        } else {
            d->truncated = d->truncated || digit != 0;
            d->exponent += !point;
        }
    }
    return any ? at : -1;
}

/* An optional exponent; returns where it ends, -1 when it is broken. */
static int64_t scan_exponent(const char *text, int64_t size, int64_t at, decimal *d)
{
    if (at == size || lower(text[at]) != 'e')
        return at;
    at++;
    const bool negative = at < size && text[at] == '-';
    at += at < size && (text[at] == '-' || text[at] == '+');
    if (at == size || !is_digit(text[at]))
        return -1;
    int64_t exponent = 0;
    for (; at < size && is_digit(text[at]); at++)
        if (exponent < INT64_MAX / 1000)
            exponent = exponent * 10 + (text[at] - '0');
    d->exponent += negative ? -exponent : exponent;
    return at;
}

static void drop_trailing_zeros(decimal *d)
{
    while (d->count > 0 && !d->truncated && d->digits[d->count - 1] == 0) {
        d->count--;
        d->exponent++;
    }
}

nfi_number_result nfi_number_parse(const char *text, int64_t size, double *out)
{
    decimal d;
    d.negative = size > 0 && text[0] == '-';
    d.truncated = false;
    d.count = 0;
    d.exponent = 0;
    const int64_t sign = size > 0 && (text[0] == '-' || text[0] == '+');
    double value = 0;
    nfi_number_result result = NFI_NUMBER_OK;
    if (is_word(text + sign, size - sign, "nan")) {
        value = (double)NAN;
    } else if (is_word(text + sign, size - sign, "inf") || is_word(text + sign, size - sign, "infinity")) {
        value = (double)INFINITY;
    } else {
        int64_t at = scan_digits(text, size, sign, &d);
        if (at >= 0)
            at = scan_exponent(text, size, at, &d);
        if (at != size)
            return NFI_NUMBER_NONE;
        drop_trailing_zeros(&d);
        result = magnitude(&d, &value);
    }
    if (result == NFI_NUMBER_OK)
        *out = d.negative ? -value : value;
    return result;
}
