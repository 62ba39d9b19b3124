/* SPDX-License-Identifier: MIT
 *
 * cpu.c - which instruction sets this machine has
 */
#include "core/cpu.h"
#include <nflow/context.h>

bool nfi_cpu_has_isa(int32_t isa)
{
    switch (isa) {
    case NF_ISA_BASELINE:
        return true;
#if defined(__x86_64__) || defined(__i386__)
    case NF_ISA_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case NF_ISA_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    case NF_ISA_NEON:
        return true; /* part of the architecture */
#endif
    default:
        return false;
    }
}

int32_t nfi_cpu_best_isa(void)
{
    static const int32_t widest_first[] = { NF_ISA_AVX512, NF_ISA_AVX2, NF_ISA_NEON };

    for (int32_t i = 0; i < (int32_t)(sizeof widest_first / sizeof widest_first[0]); i++)
        if (nfi_cpu_has_isa(widest_first[i]))
            return widest_first[i];
    return NF_ISA_BASELINE;
}
