/* SPDX-License-Identifier: MIT
 *
 * number.h - decimal text to double: correctly rounded, the same in every locale
 */
#ifndef NFI_DATA_NUMBER_H
#define NFI_DATA_NUMBER_H

#include <stdint.h>

typedef enum nfi_number_result {
    NFI_NUMBER_OK = 0,
    NFI_NUMBER_NONE,  /* not a number, or text after it */
    NFI_NUMBER_RANGE  /* a number that rounds to infinity */
} nfi_number_result;

/* Reads text[0..size) as one number: sign, digits with a '.', exponent; or nan, inf, infinity in any case with a sign.
 * Rounds to nearest, ties to even; too small gives zero or a denormal. *out is set on NFI_NUMBER_OK only.
 * Needs the default floating-point state (core/fpenv.h). */
nfi_number_result nfi_number_parse(const char *text, int64_t size, double *out);

#endif
