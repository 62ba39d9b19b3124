/* SPDX-License-Identifier: MIT
 *
 * cpu.h - which instruction sets this machine has
 */
#ifndef NFI_CORE_CPU_H
#define NFI_CORE_CPU_H

#include <stdbool.h>
#include <stdint.h>

bool nfi_cpu_has_isa(int32_t isa); /* NF_ISA_...; the operating system's support included. false for other numbers */
int32_t nfi_cpu_best_isa(void);    /* the widest that the machine has */

#endif
