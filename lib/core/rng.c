/* SPDX-License-Identifier: MIT
 *
 * rng.c - counter-based random numbers: Philox4x32-10
 *
 * Check value: counter 0, key 0 -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
 * Ref: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11.
 */
#include "core/rng.h"

/* Multipliers and Weyl increments of the reference. */
#define PHILOX_M0 0xd2511f53u
#define PHILOX_M1 0xcd9e8d57u
#define PHILOX_W0 0x9e3779b9u
#define PHILOX_W1 0xbb67ae85u
#define PHILOX_ROUNDS 10

void nfi_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void nfi_random_block(uint64_t seed, uint32_t stream, uint64_t index, uint32_t out[4])
{
    const uint32_t counter[4] = { (uint32_t)index, (uint32_t)(index >> 32), stream, 0 };

    nfi_philox(seed, counter, out);
}

/* RNG_LANES blocks side by side, so that the compiler finds vectors. */
#define RNG_LANES 8
static void rng_lanes(uint64_t key, uint32_t stream, uint64_t first, uint32_t out[4][RNG_LANES])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    for (int l = 0; l < RNG_LANES; l++) {
        out[0][l] = (uint32_t)(first + (uint64_t)l);
        out[1][l] = (uint32_t)((first + (uint64_t)l) >> 32);
        out[2][l] = stream;
        out[3][l] = 0;
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        for (int l = 0; l < RNG_LANES; l++) {
            const uint64_t p0 = (uint64_t)PHILOX_M0 * out[0][l], p1 = (uint64_t)PHILOX_M1 * out[2][l];

            out[0][l] = (uint32_t)(p1 >> 32) ^ out[1][l] ^ k0;
            out[1][l] = (uint32_t)p1;
            out[2][l] = (uint32_t)(p0 >> 32) ^ out[3][l] ^ k1;
            out[3][l] = (uint32_t)p0;
        }
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
}

void nfi_random_words(uint64_t seed, uint32_t stream, uint64_t first, int64_t n, uint32_t *out)
{
    for (int64_t i = 0; i < n; i += RNG_LANES, first += RNG_LANES) {
        const int64_t lanes = n - i < RNG_LANES ? n - i : RNG_LANES;
        uint32_t word[4][RNG_LANES];

        rng_lanes(seed, stream, first, word);
        for (int64_t l = 0; l < lanes; l++, out += 4)
            for (int w = 0; w < 4; w++) out[w] = word[w][l];
    }
}

uint64_t nfi_random_u64(uint64_t seed, uint32_t stream, uint64_t index)
{
    uint32_t word[4];

    nfi_random_block(seed, stream, index, word);
    return word[0] | (uint64_t)word[1] << 32;
}

double nfi_uniform(uint64_t seed, uint32_t stream, uint64_t index)
{
    /* (k + 1/2) 2^-53 needs 54 bits once k >= 2^52: adding 1/2 there rounds to even, and the largest k would give 1.
     * That one value is moved to the largest double below 1. */
    const double u = ((double)(nfi_random_u64(seed, stream, index) >> 11) + 0.5) * 0x1p-53;

    return u < 1.0 ? u : 1.0 - 0x1p-53;
}

/* floor(a b / 2^64): a uniform 64-bit word times b is uniform on 0..b-1 up to b / 2^64. */
static uint64_t rng_multiply_high(uint64_t a, uint64_t b)
{
    const uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const uint64_t low = a0 * b0, mid = a1 * b0 + (low >> 32), cross = a0 * b1 + (mid & 0xffffffffu);

    return a1 * b1 + (mid >> 32) + (cross >> 32);
}

void nfi_random_permutation(uint64_t seed, uint32_t stream, uint64_t base, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const uint64_t word = nfi_random_u64(seed, stream, base + (uint64_t)(n - 1 - i));
        const int64_t j = (int64_t)rng_multiply_high(word, (uint64_t)i + 1);
        const int64_t kept = out[i];

        out[i] = out[j];
        out[j] = kept;
    }
}
