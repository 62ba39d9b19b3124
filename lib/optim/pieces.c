/* SPDX-License-Identifier: MIT
 *
 * pieces.c - the trained parameters of a flow, cut into chunks for parallel passes
 *
 * Neighbouring views with the same properties are one stretch; frozen ones are left out. Chunk borders stand at multiples of
 * NFI_OPTIM_CHUNK elements of the block, so that nothing depends on the number of threads.
 */
#include "optim/optimizer.h"
#include "flow/sums.h"
#include <nflow/layer_type.h>

/* Walks the stretches of a flow. With `out` NULL it only counts. */
typedef struct pieces_walk {
    nfi_pieces *out;
    int64_t n, chunk;
    int64_t first, end; /* elements outside are left out, ... */
    int32_t without;    /* ... and parameters with one of these properties */
} pieces_walk;

static void pieces_add(pieces_walk *walk, int64_t offset, int64_t n, double decay)
{
    nfi_pieces *p = walk->out;

    while (n > 0) {
        const int64_t chunk = offset / NFI_OPTIM_CHUNK;
        const int64_t part = nfi_min(n, (chunk + 1) * NFI_OPTIM_CHUNK - offset);
        if (p) {
            while (walk->chunk < chunk) p->first[++walk->chunk] = walk->n;
            p->piece[walk->n] = (nfi_piece){ .offset = offset, .n = part, .decay = decay };
        }
        walk->n++;
        offset += part;
        n -= part;
    }
}

static int64_t pieces_walk_flow(pieces_walk walk, const nf_flow *flow)
{
    nfi_pieces *out = walk.out;
    int64_t offset = 0, count = 0, start = 0, n = 0;
    double decay = 0;
    int32_t properties = 0;
    char name[96];

    for (int64_t i = 0; nfi_flow_range(flow, i, &offset, &count, &properties, name); i++) {
        const double d = properties & NF_PARAM_NO_DECAY ? 0 : 1;
        if ((properties & walk.without) || offset < walk.first || offset >= walk.end) continue;
        if (n > 0 && offset == start + n && !(d < decay) && !(d > decay)) {
            n += count;
            continue;
        }
        pieces_add(&walk, start, n, decay);
        start = offset;
        n = count;
        decay = d;
    }
    pieces_add(&walk, start, n, decay);
    if (out)
        while (walk.chunk < out->n_chunks) out->first[++walk.chunk] = walk.n;
    return walk.n;
}

static nf_status pieces_reserve(nfi_pieces *pieces, nf_context *context, int64_t n, int64_t chunks)
{
    nf_status status = NF_OK;

    if (n <= pieces->capacity && chunks <= pieces->chunk_capacity && pieces->piece) return NF_OK;
    nfi_pieces_free(pieces);
    pieces->context = context;
    pieces->capacity = n;
    pieces->chunk_capacity = chunks;
    pieces->piece = nfi_alloc(context, n, sizeof *pieces->piece, &status);
    if (pieces->piece) pieces->first = nfi_alloc(context, chunks + 1, sizeof *pieces->first, &status);
    if (!pieces->first) nfi_pieces_free(pieces);
    return status;
}

static nf_status pieces_list(nfi_pieces *pieces, nf_context *context, const nf_flow *flow, pieces_walk walk)
{
    const int64_t chunks = (flow->count + NFI_OPTIM_CHUNK - 1) / NFI_OPTIM_CHUNK;
    const int64_t n = pieces_walk_flow(walk, flow);
    const nf_status status = pieces_reserve(pieces, context, n, chunks);

    if (status) return status;
    pieces->n_pieces = n;
    pieces->n_chunks = chunks;
    pieces->first[0] = 0;
    walk.out = pieces;
    pieces_walk_flow(walk, flow);
    return NF_OK;
}

nf_status nfi_pieces_build(nfi_pieces *pieces, nf_context *context, const nf_flow *flow)
{
    return pieces_list(pieces, context, flow, (pieces_walk){ .end = flow->count, .without = NF_PARAM_FROZEN });
}

nf_status nfi_pieces_match(nfi_pieces *pieces, nf_context *context, const nf_flow *flow, int64_t first, int64_t count)
{
    return pieces_list(pieces, context, flow, (pieces_walk){ .first = first, .end = first + count, .without = NF_PARAM_FROZEN | NF_PARAM_NO_MATCH });
}

void nfi_pieces_free(nfi_pieces *pieces)
{
    nfi_free(pieces->context, pieces->piece, pieces->capacity, sizeof *pieces->piece);
    nfi_free(pieces->context, pieces->first, pieces->chunk_capacity + 1, sizeof *pieces->first);
    *pieces = (nfi_pieces){ 0 };
}

typedef struct pieces_job {
    const nfi_pieces *pieces;
    nf_flow *flow;
    double factor;
} pieces_job;

static void pieces_decay_chunk(void *arg, int64_t chunk)
{
    const pieces_job *job = arg;
    const nfi_pieces *p = job->pieces;
    nf_flow *flow = job->flow;

    for (int64_t i = p->first[chunk]; i < p->first[chunk + 1]; i++) {
        const int64_t at = p->piece[i].offset * flow->size;
        if (p->piece[i].decay > 0) nfi_add_scaled(flow->dtype, p->piece[i].n, job->factor, (const char *)flow->theta + at, (char *)flow->grad + at);
    }
}

void nfi_pieces_decay(const nfi_pieces *pieces, nf_flow *flow, double factor)
{
    pieces_job job = { .pieces = pieces, .flow = flow, .factor = factor };

    flow->squares_known = false;
    nfi_parallel_for(flow->object.context, pieces->n_chunks, pieces_decay_chunk, &job);
}
