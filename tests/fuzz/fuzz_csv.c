/* SPDX-License-Identifier: MIT
 *
 * fuzz_csv.c - tables of text
 */
#include "fuzz.h"
#include <nflow/dataset.h>
#include <string.h>

#define CSV_FACTOR 40 /* the least field, "1,", becomes a double, two column numbers, a row slot, a flag and perhaps a name */

const char *const fuzz_words[] = { "nan", "-inf", "1e999", "\"\"", "\r\n", "\xef\xbb\xbf", "1,5;", "0x10", "1e-400", ",,,,", "\"a\nb\"",
                                   "123456789012345678901234567890", "5e-324", "\t\t", NULL };

void *fuzz_seed(int index, int64_t *size)
{
    static const char *const seeds[] = { "1,2\n3,4\n", "a,b,c\r\n1,2,3\r\n4,5,6\r\n", "\xef\xbb\xbf\"x \"\"y\"\"\";z\n1;2\n", "  1 2\t3\n4 5 6\n",
                                         "1e-3,-.5e2\nnan,inf\n", "1\n2\n3\n", "x\n1e300\n17976931348623157e292\n4.9406564584124654e-324\n" };
    if (index >= SUPPORT_COUNT(seeds)) return NULL;
    *size = (int64_t)strlen(seeds[index]);
    return memcpy(support_malloc(*size), seeds[index], (size_t)*size);
}

void fuzz_repair(unsigned char *bytes, int64_t size) { (void)bytes, (void)size; }

static void csv_use(nf_dataset *data)
{
    nf_column_report report = { .struct_size = sizeof report };
    nf_layer *layer = NULL;

    fuzz_accepted++;
    if (nf_dataset_rows(data) < 1 || nf_dataset_dim(data) < 1) fuzz_found("an empty dataset");
    if (nf_dataset_check(data, nf_dataset_dim(data) - 1, &report) < 0) fuzz_found("check: %s", nf_last_error());
    (void)nf_standardise_from_dataset(&layer, NULL, data, 1);
    nf_layer_unref(layer);
}

static void csv_try(const uint8_t *data, size_t size, const nf_read_config *config)
{
    static const nf_status allowed[] = { NF_ERR_PARSE, NF_ERR_FORMAT, NF_ERR_LIMIT, NF_ERR_ARG, NF_OK };
    fuzz_memory memory = { 0 };
    nf_context *context = fuzz_context(&memory);
    nf_dataset *set = NULL;

    fault_mark();
    const nf_status status = nf_dataset_load_memory(&set, context, data, (int64_t)size, config);
    fuzz_check_most(&memory, CSV_FACTOR, size, "csv");
    if (status) fuzz_check_failure(status, allowed, "csv");
    if (!status != !!set) fuzz_found("status %d and handle do not agree", (int)status);
    if (set) csv_use(set);
    nf_dataset_unref(set);
    nf_context_unref(context);
    fuzz_check_none(&memory, "csv");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t columns[] = { 1 };
    nf_read_config config = NF_READ_CONFIG_INIT;

    config.format = NF_FORMAT_CSV;
    csv_try(data, size, &config);
    config.header = size % 3 ? NF_HEADER_NO : NF_HEADER_YES;
    config.dtype = NF_F32;
    config.cond_columns = columns;
    config.n_cond_columns = 1;
    config.skip_lines = (int64_t)(size % 2);
    csv_try(data, size, &config);
    return 0;
}
