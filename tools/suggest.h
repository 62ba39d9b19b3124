/* SPDX-License-Identifier: MIT
 *
 * suggest.h - "did you mean": the name nearest to what was typed
 */
#ifndef NFT_SUGGEST_H
#define NFT_SUGGEST_H

#include <stddef.h>

/* Candidates go by, the nearest stays. */
typedef struct suggestion {
    const char *typed, *best; /* best: NULL while nothing is near; not ended by NUL */
    size_t best_length, distance;
} suggestion;

suggestion suggest_begin(const char *typed);
void suggest_offer(suggestion *s, const char *candidate, size_t length);
void suggest_offer_list(suggestion *s, const char *names); /* separated by ',' */
/* "; did you mean --lr?" with prefix "--", or "" when nothing is near. Returns text. */
const char *suggest_text(const suggestion *s, const char *prefix, char *text, size_t size);

#endif
