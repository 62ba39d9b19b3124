/* SPDX-License-Identifier: MIT
 *
 * json.h - writing one line of JSON
 *
 * Keys are NULL inside arrays. NaN and infinities become null; numbers are the shortest that read
 * back to the same bits; bytes that are not UTF-8 become U+FFFD.
 */
#ifndef NFT_JSON_H
#define NFT_JSON_H

#include <stdint.h>
#include <stdio.h>

typedef struct nft_json_writer {
    FILE *file;
    int comma; /* a value stands before the next one */
} nft_json_writer;

void nft_json_begin(nft_json_writer *w, FILE *file); /* opens the object of the line */
void nft_json_end(nft_json_writer *w);               /* closes it, and the line */
void nft_json_string(nft_json_writer *w, const char *key, const char *value); /* NULL: null */
void nft_json_number(nft_json_writer *w, const char *key, double value);
void nft_json_integer(nft_json_writer *w, const char *key, int64_t value);
void nft_json_natural(nft_json_writer *w, const char *key, uint64_t value);
void nft_json_flag(nft_json_writer *w, const char *key, int value);
void nft_json_open(nft_json_writer *w, const char *key, char bracket); /* '{' or '[' */
void nft_json_close(nft_json_writer *w, char bracket);                 /* '}' or ']' */

#endif
