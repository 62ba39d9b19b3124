/* SPDX-License-Identifier: MIT
 *
 * json.c - writing one line of JSON
 */
#include "json.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Length of the UTF-8 sequence at s, 0 when it is malformed. */
static int utf8_length(const unsigned char *s)
{
    const int n = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;

    for (int i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if (n == 3 && ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))) return 0;
    if (n == 4 && ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))) return 0;
    return n;
}

static void write_text(FILE *file, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    putc('"', file);
    while (*s) {
        const int n = utf8_length(s);
        if (n == 0) {
            fputs("\\ufffd", file);
            s++;
        } else if (n == 1 && (*s < 0x20 || *s == 0x7F)) {
            fprintf(file, "\\u%04x", *s++);
        } else if (*s == '"' || *s == '\\') {
            fprintf(file, "\\%c", *s++);
        } else {
            fwrite(s, 1, (size_t)n, file);
            s += n;
        }
    }
    putc('"', file);
}

static void write_key(nft_json_writer *w, const char *key)
{
    if (w->comma) fputs(", ", w->file);
    w->comma = 1;
    if (!key) return;
    write_text(w->file, key);
    fputs(": ", w->file);
}

void nft_json_begin(nft_json_writer *w, FILE *file)
{
    *w = (nft_json_writer){ .file = file };
    putc('{', file);
}

void nft_json_end(nft_json_writer *w)
{
    fputs("}\n", w->file);
    fflush(w->file);
}

void nft_json_string(nft_json_writer *w, const char *key, const char *value)
{
    write_key(w, key);
    if (value)
        write_text(w->file, value);
    else
        fputs("null", w->file);
}

void nft_json_number(nft_json_writer *w, const char *key, double value)
{
    char text[40] = "null";

    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (fabs(strtod(text, NULL) - value) <= 0.0) break;
    }
    write_key(w, key);
    fputs(text, w->file);
}

void nft_json_integer(nft_json_writer *w, const char *key, int64_t value)
{
    write_key(w, key);
    fprintf(w->file, "%" PRId64, value);
}

void nft_json_natural(nft_json_writer *w, const char *key, uint64_t value)
{
    write_key(w, key);
    fprintf(w->file, "%" PRIu64, value);
}

void nft_json_flag(nft_json_writer *w, const char *key, int value)
{
    write_key(w, key);
    fputs(value ? "true" : "false", w->file);
}

void nft_json_open(nft_json_writer *w, const char *key, char bracket)
{
    write_key(w, key);
    putc(bracket, w->file);
    w->comma = 0;
}

void nft_json_close(nft_json_writer *w, char bracket)
{
    putc(bracket, w->file);
    w->comma = 1;
}
