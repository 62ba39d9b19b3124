/* SPDX-License-Identifier: MIT
 *
 * train.h - what the rest of the library sees of training: its configs
 */
#ifndef NFI_TRAIN_TRAIN_H
#define NFI_TRAIN_TRAIN_H

#include "core/config.h"
#include <nflow/train.h>

extern const nfi_config_type nfi_target_config_type; /* of variational.c */
const nfi_config_type *nfi_train_configs(int32_t i); /* NULL past the last */

#endif
