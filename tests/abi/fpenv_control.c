/* SPDX-License-Identifier: MIT
 *
 * fpenv_control.c - a library that spoils the host's floating-point state when it is loaded, as -ffast-math used to: fpenv_test
 * must notice
 */
#if defined(__x86_64__)
#include <immintrin.h>
__attribute__((constructor)) static void spoil(void) { _mm_setcsr(_mm_getcsr() | 0x8040u); }
#elif defined(__aarch64__)
#include <stdint.h>
__attribute__((constructor)) static void spoil(void) { __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)1 << 24)); }
#endif
int fpenv_control(void);
int fpenv_control(void) { return 1; }
