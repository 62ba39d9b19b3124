/* SPDX-License-Identifier: MIT
 *
 * nflow.h - normalizing flows: models that give exact densities and exact samples
 *
 *   #include <nflow/nflow.h>           cc program.c $(pkg-config --cflags --libs nflow)
 *   #include <nflow/nflow.hpp>         from C++17: owners, exceptions, spans; documented there
 *
 * In order of use: nflow/status.h (what calls answer), nflow/context.h (memory, threads; NULL will do), nflow/dataset.h,
 * nflow/layer.h, nflow/coupling.h and nflow/base.h (parts), nflow/flow.h (densities and samples), nflow/latent.h (interpolation, attributes),
 * nflow/continuous.h (flows by differential equations), nflow/autoregressive.h, nflow/planar.h, nflow/tables.h (recipes for tables), nflow/optimizer.h, nflow/train.h and
 * nflow/variational.h, nflow/model.h (files), nflow/config.h (the fields of every config, for programs that list
 * them). nflow/layer_type.h, for layers of your own, is not included here.
 *
 * Since 0.1. What holds for every function, unless its header or comment says otherwise:
 *
 *   direction   forward maps x to z (data to latent, it normalises), inverse maps z to x (it generates). x is data, z latent,
 *               theta parameters, n rows, dim columns, cond the columns that condition. log_det is log|det d output / d input| of
 *               the call being made. Logarithms are natural, so densities are in nats.
 *   arrays      row-major [n][columns], borrowed for the call, any alignment.
 *   handles     nf_..._create and _ref give a reference, nf_..._unref gives it back; unref(NULL) does nothing. An object that is
 *               given another one takes its own reference: the caller keeps and releases the one it has. Counts are atomic.
 *               A handle that was released is told apart where possible (NF_ERR_HANDLE), which is best effort.
 *   context     NULL is accepted, and means nf_context's defaults. It is the first argument after out, and objects keep a
 *               reference.
 *   errors      NF_ERR_NULL a required pointer is NULL; NF_ERR_HANDLE an argument is another kind of object or was released;
 *               NF_ERR_MEMORY the allocator refused. Functions list the others. Queries that return no status answer 0 or NULL
 *               for a NULL or wrong handle.
 *   threads     one word a type. immutable: any number of threads, always. shared-read: calls that take a const pointer run from
 *               any number of threads at once, without a lock; the others are exclusive. confined: one thread at a time.
 */
#ifndef NFLOW_NFLOW_H
#define NFLOW_NFLOW_H

#include <nflow/autoregressive.h>
#include <nflow/base.h>
#include <nflow/config.h>
#include <nflow/context.h>
#include <nflow/continuous.h>
#include <nflow/coupling.h>
#include <nflow/dataset.h>
#include <nflow/flow.h>
#include <nflow/latent.h>
#include <nflow/layer.h>
#include <nflow/model.h>
#include <nflow/optimizer.h>
#include <nflow/planar.h>
#include <nflow/status.h>
#include <nflow/tables.h>
#include <nflow/train.h>
#include <nflow/variational.h>

#endif
