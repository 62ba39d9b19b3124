/* SPDX-License-Identifier: MIT
 *
 * nflow.h - normalizing flows: models that give exact densities and exact samples
 *
 *   #include <nflow/nflow.h>           cc program.c $(pkg-config --cflags --libs nflow)
 *
 * In order of use: nflow/status.h (what calls answer), nflow/context.h (memory, threads; NULL will do), nflow/dataset.h,
 * nflow/layer.h and nflow/base.h (parts), nflow/flow.h (densities and samples), nflow/optimizer.h and nflow/train.h,
 * nflow/model.h (files). nflow/layer_type.h, for layers of your own, is not included here.
 */
#ifndef NFLOW_NFLOW_H
#define NFLOW_NFLOW_H

#include <nflow/base.h>
#include <nflow/config.h>
#include <nflow/context.h>
#include <nflow/dataset.h>
#include <nflow/flow.h>
#include <nflow/layer.h>
#include <nflow/model.h>
#include <nflow/optimizer.h>
#include <nflow/status.h>
#include <nflow/train.h>

#endif
