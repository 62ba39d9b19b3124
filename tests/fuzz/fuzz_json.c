/* SPDX-License-Identifier: MIT
 *
 * fuzz_json.c - flows from their description
 *
 * A description may ask for as many parameters as the context allows: the limits here are small, so that asking is cheap.
 */
#include "fuzz.h"
#include "io/json_text.h"
#include <nflow/model.h>
#include <stdlib.h>
#include <string.h>

const char *const fuzz_words[] = { "\"type\":\"logit\"", "\"type\":\"permutation\",\"index\":[2,0,1]", "\"hidden\":[4,4,4]", "\"cond_dim\":2", "\"bound\":1e308",
                                   "\"alpha\":0.25", "\"version\":1", "\"mask\":\"index\",\"index\":[1]", "\"scale\":\"exp\"", "\"separate\":true",
                                   "\"dtype\":\"f64\"", "\"seed\":\"18446744073709551615\"", "[[[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":", "\\ud800", "\xed\xa0\x80",
                                   "\"height\":65536", "\"type\":\"coupling_conv\"", "\"mask\":\"checkerboard\"", "\"net\":\"residual\"", "\"type\":\"cnf\"", "\"rtol\":1e-14", "\"probes\":1024", "\"trace\":\"exact\"", "\"solver\":\"euler\"",
                                   "\"condition\":{\"embed_dim\":3}", "\"embed_hidden\":[2]", "\"cond_standardise\":true", "\"cond_mean\":[1,2]", "null", "1e400", "\"low\":1.0,\"high\":-1.0", NULL };

void *fuzz_seed(int index, int64_t *size)
{
    const int image = index - fault_sample_count;
    if (image >= 2) return NULL;
    nf_flow *flow = image < 0 ? fault_flow(NULL, &fault_samples[index], NF_F32) : fault_image_flow(NULL, image, NF_F32);
    if (nf_flow_to_json(flow, NULL, 0, size)) fuzz_found("%s", nf_last_error());
    char *text = support_malloc(*size);
    if (nf_flow_to_json(flow, text, *size, size)) fuzz_found("%s", nf_last_error());
    nf_flow_unref(flow);
    *size -= 1; /* the NUL */
    return text;
}

void fuzz_repair(unsigned char *bytes, int64_t size) { (void)bytes, (void)size; }

static char *json_of(const nf_flow *flow, int64_t *size)
{
    if (nf_flow_to_json(flow, NULL, 0, size)) fuzz_found("%s", nf_last_error());
    char *text = support_malloc(*size);
    if (nf_flow_to_json(flow, text, *size, size)) fuzz_found("%s", nf_last_error());
    return text;
}

/* The description of the flow makes the same description. */
static void json_again(nf_context *context, const nf_flow *flow)
{
    int64_t size, size_again;
    char *text = json_of(flow, &size), *text_again;
    nf_flow *again = NULL;

    fuzz_accepted++;
    if (nf_flow_from_json(&again, context, text)) fuzz_found("the description of a flow is refused: %s\n%s", nf_last_error(), text);
    text_again = json_of(again, &size_again);
    if (strcmp(text, text_again)) fuzz_found("a description changes:\n%s\n%s", text, text_again);
    nf_flow_unref(again);
    free(text);
    free(text_again);
}

/* The library's parser and jansson's, which is sound while there is memory, agree on every text that passes the scan. */
static void json_compare(const char *text, int64_t size)
{
    json_t *own = NULL, *theirs;

    if (nfi_json_scan(text, size, "scan")) return;
    (void)nfi_json_parse(&own, NULL, text, size, "parse");
    theirs = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, NULL);
    if (!own != !theirs) fuzz_found("JSON is %s: %s", own ? "accepted and should not be" : "refused and should not be", nf_last_error());
    if (own && !json_equal(own, theirs)) fuzz_found("JSON is read differently");
    json_decref(own);
    json_decref(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nf_status allowed[] = { NF_ERR_FORMAT, NF_ERR_VERSION, NF_ERR_LIMIT, NF_ERR_OVERFLOW, NF_OK };
    nf_context_config config = NF_CONTEXT_CONFIG_INIT;
    nf_context *context = NULL;
    nf_flow *flow = NULL;
    char *text = support_malloc((int64_t)size + 1);

    config.max_elements = 1 << 14;
    config.max_dim = 256;
    config.max_layers = 8;
    if (nf_context_create(&context, &config)) fuzz_found("%s", nf_last_error());
    memcpy(text, data, size);
    text[size] = '\0';
    json_compare(text, (int64_t)size);
    fault_mark();
    const nf_status status = nf_flow_from_json(&flow, context, text);
    if (status) fuzz_check_failure(status, allowed, "nf_flow_from_json");
    if (!status != !!flow) fuzz_found("status %d and handle do not agree", (int)status);
    if (flow) json_again(context, flow);
    nf_flow_unref(flow);
    nf_context_unref(context);
    free(text);
    return 0;
}
