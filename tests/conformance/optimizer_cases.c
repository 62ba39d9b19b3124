/* SPDX-License-Identifier: MIT
 *
 * optimizer_cases.c - one row per optimizer and mode, each with its rule written a second time in plain double
 */
#include "conformance.h"
#include <math.h>
#include <stddef.h>

static void reference_adam(const optimizer_case *c, int64_t t, double lr, double decay, double g, double *theta, double *m, double *v)
{
    g += c->weight_decay * decay * *theta;
    *m = c->beta1 * *m + (1 - c->beta1) * g;
    *v = c->beta2 * *v + (1 - c->beta2) * g * g;
    *theta -= lr * (*m / (1 - pow(c->beta1, (double)t))) / (sqrt(*v / (1 - pow(c->beta2, (double)t))) + c->eps);
}

static void reference_adamw(const optimizer_case *c, int64_t t, double lr, double decay, double g, double *theta, double *m, double *v)
{
    const optimizer_case plain = { .beta1 = c->beta1, .beta2 = c->beta2, .eps = c->eps };

    *theta -= lr * c->weight_decay * decay * *theta;
    reference_adam(&plain, t, lr, 0, g, theta, m, v);
}

static void reference_adamax(const optimizer_case *c, int64_t t, double lr, double decay, double g, double *theta, double *m, double *v)
{
    g += c->weight_decay * decay * *theta;
    *m = c->beta1 * *m + (1 - c->beta1) * g;
    *v = fmax(c->beta2 * *v, fabs(g));
    *theta -= lr / (1 - pow(c->beta1, (double)t)) * *m / (*v + c->eps);
}

static void reference_sgd(const optimizer_case *c, int64_t t, double lr, double decay, double g, double *theta, double *m, double *v)
{
    (void)t, (void)v;
    g += c->weight_decay * decay * *theta;
    *m = c->beta1 * *m + g;
    *theta -= lr * *m;
}

static void reference_nesterov(const optimizer_case *c, int64_t t, double lr, double decay, double g, double *theta, double *m, double *v)
{
    (void)t, (void)v;
    g += c->weight_decay * decay * *theta;
    *m = c->beta1 * *m + g;
    *theta -= lr * (g + c->beta1 * *m);
}

#define ADAM(...) &(const nf_adam_config){ .struct_size = sizeof(nf_adam_config), __VA_ARGS__ }
#define SGD(...) &(const nf_sgd_config){ .struct_size = sizeof(nf_sgd_config), __VA_ARGS__ }

const optimizer_case optimizer_cases[] = {
    { "adam/default", "adam", NULL, 1e-3, reference_adam, 0.9, 0.999, 1e-8, 0 },
    { "adam/decay", "adam", ADAM(.lr = 0.0385, .beta1 = 0.71, .beta2 = 0.93, .eps = 1e-4, .weight_decay = 0.61), 0.0385, reference_adam,
      0.71, 0.93, 1e-4, 0.61 },
    { "adamw/default", "adamw", NULL, 1e-3, reference_adamw, 0.9, 0.999, 1e-8, 0.01 },
    { "adamw/decay", "adamw", ADAM(.lr = 0.0385, .beta1 = 0.71, .beta2 = 0.93, .eps = 1e-4, .weight_decay = 0.61), 0.0385,
      reference_adamw, 0.71, 0.93, 1e-4, 0.61 },
    { "adamax/default", "adamax", NULL, 1e-3, reference_adamax, 0.9, 0.999, 1e-8, 0 },
    { "adamax/decay", "adamax", ADAM(.lr = 0.0385, .beta1 = 0.71, .beta2 = 0.93, .eps = 1e-4, .weight_decay = 0.61), 0.0385,
      reference_adamax, 0.71, 0.93, 1e-4, 0.61 },
    { "sgd/default", "sgd", NULL, 1e-2, reference_sgd, 0.9, 0, 0, 0 },
    { "sgd/plain", "sgd", SGD(.lr = 0.0385, .momentum = -1), 0.0385, reference_sgd, 0, 0, 0, 0 },
    { "sgd/nesterov", "sgd", SGD(.lr = 0.0385, .nesterov = 1, .momentum = 0.71, .weight_decay = 0.61), 0.0385, reference_nesterov, 0.71,
      0, 0, 0.61 },
};
const int optimizer_case_count = SUPPORT_COUNT(optimizer_cases);
