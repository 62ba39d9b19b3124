/* SPDX-License-Identifier: MIT
 *
 * fpenv.h - the floating-point state of computing calls
 *
 * Public computing calls and worker jobs run under the default state (nearest, no traps, no flush to zero) and put the
 * caller's back, sticky flags included, so that results do not depend on the host and the host notices nothing.
 * Texts of numbers count as computing: printing rounds in the direction of the state. Calls may nest.
 */
#ifndef NFI_CORE_FPENV_H
#define NFI_CORE_FPENV_H
#include <stdint.h>

/* Compilers know no dependence of arithmetic on the state: loads and stores at least stay between enter and leave. */
#define NFI_FPENV_BARRIER __asm__ volatile("" : : : "memory")

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE2__))
#include <immintrin.h>
static inline uint64_t nfi_fpenv_enter(void)
{
    const uint32_t saved = _mm_getcsr();
    _mm_setcsr(0x1f80);
    NFI_FPENV_BARRIER;
    return saved;
}
static inline void nfi_fpenv_leave(uint64_t saved)
{
    NFI_FPENV_BARRIER;
    _mm_setcsr((uint32_t)saved);
}
#elif defined(__aarch64__)
static inline uint64_t nfi_fpenv_enter(void)
{
    uint64_t control, status;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("mrs %0, fpsr" : "=r"(status));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0) : "memory");
    return control << 32 | (status & 0xffffffffu);
}
static inline void nfi_fpenv_leave(uint64_t saved)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(saved >> 32) : "memory");
    __asm__ volatile("msr fpsr, %0" : : "r"(saved & 0xffffffffu));
}
#else
#include <fenv.h>
static inline uint64_t nfi_fpenv_enter(void) { return 0; }
static inline void nfi_fpenv_leave(uint64_t saved) { (void)saved; }
#endif
#endif
