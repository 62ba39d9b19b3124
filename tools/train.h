/* SPDX-License-Identifier: MIT
 *
 * train.h - the parts of nflow train: its options, its architectures and presets (architectures.c), conditioning columns (conditions.c), its
 * reports (train_report.c)
 */
#ifndef NFT_TRAIN_H
#define NFT_TRAIN_H

#include "common.h"
#include "images.h"
#include "options.h"
#include "progress.h"
#include "tables.h"

typedef struct train_options {
    common_options common;
    const char *output, *val, *curve, *columns_kind;
    int32_t arch, optimizer; /* from 1 */
    int64_t rows;
    double noise;
    uint64_t seed;
    int32_t no_standardise, standardise_all, robust;
    image_options images;
    int64_t hidden_channels, blocks;
    int32_t preset; /* from 1, of PRESETS; 0: not given */
    double alpha; /* NaN: not given */
    nf_flow_config condition; /* the embedding's options stand in all configs; these are for the help */
    nf_realnvp_config realnvp;
    nf_glow_config glow;
    nf_realnvp_image_config realnvp_image;
    nf_ffjord_config ffjord;
    nf_table_config table;
    nf_fit_config fit;
    nf_adam_config adam;
    nf_sgd_config sgd;
} train_options;

/* What stands around the run. */
typedef struct train_run {
    const char *data_name;
    options *set;
    nf_context *context;
    nf_dataset *all, *train, *valid;
    nf_flow *flow;
    nf_optimizer *optimizer;
    double *mean, *sd; /* [dim], NULL: no standardise layer */
    double log_sd;     /* sum of log sd */
    double *cond_mean, *cond_sd; /* [cond_dim], NULL: conditions stay as they are */
    table_kinds kinds; /* of the columns; all NULL: not asked for */
    double gaussian;   /* held-out NLL of the full-covariance Gaussian; NaN: none */
    image_shape shape; /* of the rows, all 0: they are no images */
    nf_fit_report report;
    progress_line line;
} train_run;

/* Names, in the order of the tables in architectures.c. */
#define ARCHITECTURES "realnvp,glow,realnvp_image,ffjord,nsf,maf,iaf,nice"
#define PRESETS "default,book,toy,tabular,images"

enum { REALNVP = 1, GLOW = 2, REALNVP_IMAGE = 3, FFJORD = 4, NSF = 5 };
enum { PRESET_DEFAULT = 1, PRESET_BOOK = 2, PRESET_TOY = 3, PRESET_TABULAR = 4, PRESET_FFJORD_IMAGES = 5, PRESET_IMAGES = 6, PRESET_TABLES = 7 }; /* from 1 */

/* Values that a preset gives to options the user did not set. The flow's own preset adds its shape. */
typedef struct preset_value {
    const char *option, *value;
} preset_value;
typedef struct preset {
    const char *name, *arch; /* NULL: the name says all */
    int standardise_all; /* mean and sd of all rows, not of the training part */
    preset_value values[14];
} preset;

/* Architectures: how a flow is made of the options. */
typedef struct architecture {
    const char *name;
    int images; /* 1: of rows that are images, not standardised: the flow takes pixels. Also one of preset images, whatever this says */
    int32_t first, last; /* of its presets */
    nf_status (*create)(nf_flow **out, train_run *run, train_options *o);
    const char *own; /* options that mean nothing to some other architecture, separated by ',' */
} architecture;

const architecture *train_architecture(const train_options *o);
const preset *train_preset(const train_options *o);
int train_takes_images(const train_options *o); /* the flow takes pixels */
void train_notes(void); /* prints the presets */
/* Which architecture, and what follows from it: known as soon as the data are read. */
int train_choose(train_run *run, train_options *o);

/* Refuses a table with gaps or with values outside their kinds, warns of columns of few values. */
int train_vet(train_run *run, const train_options *o);
/* Measures the conditioning columns of the training part, and settles their embedding. */
int train_conditions(train_run *run, train_options *o);

/* Bits per dimension; NaN for rows that are no images. */
double train_bits(const train_run *run, double nll);
/* What is about to be trained, before the wait. */
void train_print_plan(const train_run *run, const train_options *o);
/* Room for the losses of every epoch. 0, or -1 after a message. */
int train_curve_begin(train_run *run, const train_options *o);
/* Writes them. A file that cannot be written does not lose the model. */
void train_curve_end(train_run *run, const train_options *o);
/* What came of it: one JSON line, or a table. */
void train_print_json(const train_run *run, const train_options *o);
void train_print_summary(const train_run *run, const train_options *o);

#endif
