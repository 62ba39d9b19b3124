/* SPDX-License-Identifier: MIT
 *
 * crc32c.h - the CRC-32C checksum
 */
#ifndef NFI_IO_CRC32C_H
#define NFI_IO_CRC32C_H

#include <stdint.h>

/* Checksum of what `crc` covers (0: nothing yet) followed by `size` bytes. */
uint32_t nfi_crc32c(uint32_t crc, const void *bytes, int64_t size);
uint32_t nfi_crc32c_by_table(uint32_t crc, const void *bytes, int64_t size); /* the plain twin, for machines without the instruction */

#endif
