/* SPDX-License-Identifier: MIT
 *
 * conformance.h - the cases that the suite runs over, and the checks that every case must pass
 *
 * A case is a flow of one layer over a standard normal, or of no layer over one base. A check answers true, or false with the
 * reason in `why`; so that a deliberately broken layer can be shown to fail.
 */
#ifndef NFLOW_TESTS_CONFORMANCE_H
#define NFLOW_TESTS_CONFORMANCE_H

#include "support.h"

#define WHY_SIZE 400

typedef struct conformance_case {
    const char *name;
    const char *layer_type; /* NULL: no layer */
    const void *layer_config;
    const char *base_type; /* NULL: normal of `dim` */
    const void *base_config;
    const nf_layer_type *custom; /* registered with the context first */
    int64_t dim, cond_dim;
    double low, high;  /* rows are uniform in between; both 0: normal with sd 1.7 */
    int32_t whole;     /* rows are multiples of it in [low, high): for layers that spread whole numbers by noise, where differences mean nothing */
    bool quiet;        /* noise in training only: a score is then of other noise than log_prob */
    bool elsewhere;    /* another test integrates it, since a grid of equal steps does not do it justice */
    double round_trip; /* allowed error of round trips, in eps of the precision; 0: 600 */
    double solved;     /* allowed error of round trips and log-dets that are solved for; 0: they are exact */
    double integral;   /* allowed error of the density's integral, for those with bends; 0: 1e-4 in f32, 1e-6 in f64. With low and high: it is over [low, high] */
    double gain;       /* of the random parameters; 0: 0.4 */
} conformance_case;

extern const conformance_case layer_cases[], base_cases[], broken_cases[];
extern const int layer_case_count, base_case_count, broken_case_count;

typedef struct optimizer_case {
    const char *name, *type;
    const void *config; /* NULL: the defaults */
    double lr;          /* expected */
    /* One update in plain double: step t (from 1), learning rate, decay 0 or 1. */
    void (*reference)(const struct optimizer_case *c, int64_t t, double lr, double decay, double g, double *theta, double *m, double *v);
    double beta1, beta2, eps, weight_decay;
} optimizer_case;

extern const optimizer_case optimizer_cases[];
extern const int optimizer_case_count;

typedef bool (*conformance_check)(const conformance_case *c, int32_t dtype, char *why);

bool check_round_trip(const conformance_case *c, int32_t dtype, char *why);
bool check_log_det(const conformance_case *c, int32_t dtype, char *why);
bool check_score(const conformance_case *c, int32_t dtype, char *why);
bool check_grad_theta(const conformance_case *c, int32_t dtype, char *why);
bool check_operations(const conformance_case *c, int32_t dtype, char *why); /* grad of x, cond, theta under random cotangents */
bool check_rows(const conformance_case *c, int32_t dtype, char *why);
bool check_threads(const conformance_case *c, int32_t dtype, char *why);
bool check_samples(const conformance_case *c, int32_t dtype, char *why);
bool check_nonfinite(const conformance_case *c, int32_t dtype, char *why);
bool check_empty(const conformance_case *c, int32_t dtype, char *why);
bool check_no_allocation(const conformance_case *c, int32_t dtype, char *why);
bool check_failing_allocation(const conformance_case *c, int32_t dtype, char *why);
bool check_save_load(const conformance_case *c, int32_t dtype, char *why);
bool check_normalised(const conformance_case *c, int32_t dtype, char *why);
bool check_samples_are_near(const conformance_case *c, int32_t dtype, char *why);
bool check_optimizer(const optimizer_case *c, int32_t dtype, char *why);
bool check_optimizer_refusals(const optimizer_case *c, int32_t dtype, char *why);

/* Builds the flow of a case; parts are released, *out holds them. */
nf_status conformance_flow(nf_flow **out, nf_context *context, const conformance_case *c, int32_t dtype);

/* One flow with rows to work on. */
typedef struct scene {
    const conformance_case *c;
    int32_t dtype;
    int64_t n, size;
    nf_context *context;
    nf_flow *flow;
    void *x, *cond; /* [n][dim], [n][cond_dim] or NULL; values that a float holds exactly */
} scene;
/* Ends the program when something cannot be made. threads 1, book NULL: as support_context. */
void scene_open(scene *s, const conformance_case *c, int32_t dtype, int64_t n, int32_t threads, ledger *book);
void scene_close(scene *s);
/* An array with canaries on both sides; freed with scene_free, which answers whether they are whole. */
void *scene_guarded(int64_t bytes);
bool scene_free(void *array, int64_t bytes);

#endif
