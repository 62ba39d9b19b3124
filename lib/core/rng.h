/* SPDX-License-Identifier: MIT
 *
 * rng.h - counter-based random numbers: Philox4x32-10 keyed by (seed, stream, index)
 *
 * Ref: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11. key = seed (low, high word);
 * counter = (index low, index high, stream, 0). Checked against Random123's known answers. Normals: math/random.h.
 */
#ifndef NFI_CORE_RNG_H
#define NFI_CORE_RNG_H
#include <stdint.h>

/* One stream a purpose: never two uses of one (seed, stream, index). Layers add their position << 8. */
enum {
    NFI_STREAM_BASE = 1,
    NFI_STREAM_SHUFFLE = 2,
    NFI_STREAM_INIT = 3,
    NFI_STREAM_SPLIT = 4,
    NFI_STREAM_DATA = 5,
    NFI_STREAM_NOISE = 6, /* dequantisation, probes */
    NFI_STREAM_CHECK = 7,
    NFI_STREAM_PERMUTATION = 8,
    NFI_STREAM_MATCH = 9, /* times of flow matching */
    NFI_STREAM_BOX = 10, /* uniform columns beside normal ones */
    NFI_STREAM_CONDITION = 11, /* weights of the embedding of conditions */
    NFI_STREAM_COMPONENT = 16 /* which of a mixture a sample is of */
};

/* The mixer of SplitMix64 (Steele, Lea, Flood 2014): numbers that differ in one bit become unrelated. */
static inline uint64_t nfi_mix(uint64_t h)
{
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}
/* The seed of one row's numbers, from the flow's and the row's key. */
static inline uint64_t nfi_row_seed(uint64_t seed, uint64_t row_key) { return nfi_mix(seed + 0x9e3779b97f4a7c15u * (row_key + 1)); }

void nfi_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4]);
void nfi_random_block(uint64_t seed, uint32_t stream, uint64_t index, uint32_t out[4]);
/* The words of n consecutive blocks, [4 n]: those of nfi_random_block(first), then of first + 1, ... in long vectors. */
void nfi_random_words(uint64_t seed, uint32_t stream, uint64_t first, int64_t n, uint32_t *out);
double nfi_uniform(uint64_t seed, uint32_t stream, uint64_t index); /* (0, 1), 53 bits, open at both ends:
                                         ((first two words as u64: out[0] | out[1] << 32) >> 11) + 0.5) * 2^-53 */
uint64_t nfi_random_u64(uint64_t seed, uint32_t stream, uint64_t index);
/* Fisher-Yates permutation of 0..n-1, determined by (seed, stream, n); draws index base, base+1, ... */
void nfi_random_permutation(uint64_t seed, uint32_t stream, uint64_t base, int64_t n, int64_t *out);

#endif
