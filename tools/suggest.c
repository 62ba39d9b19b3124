/* SPDX-License-Identifier: MIT
 *
 * suggest.c - the name nearest to what was typed
 *
 * Distance: insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). A name is near when at most
 * one letter in three differs, or when it begins with what was typed.
 */
#include "suggest.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST = 48 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* d[i][j]: from the first i letters of a to the first j of b. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t d[LONGEST + 1][LONGEST + 1];

    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[n][m];
}

suggestion suggest_begin(const char *typed)
{
    return (suggestion){ .typed = typed, .distance = LONGEST };
}

void suggest_offer(suggestion *s, const char *candidate, size_t length)
{
    const size_t n = strlen(s->typed);
    size_t far;

    if (n == 0 || n > LONGEST || length == 0 || length > LONGEST) return;
    far = n < length && n > 2 && memcmp(s->typed, candidate, n) == 0 ? 0 : distance(s->typed, n, candidate, length);
    if (far > (n + 2) / 3 || far >= s->distance) return;
    s->best = candidate;
    s->best_length = length;
    s->distance = far;
}

void suggest_offer_list(suggestion *s, const char *names)
{
    while (*names) {
        const size_t n = strcspn(names, ",");
        suggest_offer(s, names, n);
        names += n + (names[n] == ',');
    }
}

const char *suggest_text(const suggestion *s, const char *prefix, char *text, size_t size)
{
    *text = '\0';
    if (s->best) snprintf(text, size, "; did you mean %s%.*s?", prefix, (int)s->best_length, s->best);
    return text;
}
