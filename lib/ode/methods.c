/* SPDX-License-Identifier: MIT
 *
 * methods.c - explicit Runge-Kutta methods: one row each of the table at the end
 *
 *   k_i = f(t + c_i h, y + h sum_{j<i} a_ij k_j),   y1 = y + h sum_i b_i k_i,   error = h sum_i e_i k_i,  e = b - b^
 *
 * Weights b^ are those of the embedded method, one order lower; its solution is never used (local extrapolation). dopri5 has
 * Shampine's b^ rather than Dormand's and Prince's: it is that of torchdiffeq and jax, so that tolerances mean the same here.
 * Where the last row of a equals b, the last stage is the first of the next step (fsal).
 *
 * Check value: dopri5 sum_i e_i c_i^4 = 1.753086420e-4. Of all: rows of a sum to c, and the conditions on trees hold up to the
 * order of each (tests/ode/ode_test.c).
 * Refs: Dormand, Prince, "A family of embedded Runge-Kutta formulae", J. Comp. Appl. Math. 6 (1980);
 * Shampine, "Some practical Runge-Kutta formulas", Math. Comp. 46 (1986), error weights of dopri5;
 * Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption", Comput. Math. Appl. 62
 * (2011);
 * Bogacki, Shampine, "A 3(2) pair of Runge-Kutta formulas", Appl. Math. Lett. 2 (1989);
 * Hairer, Norsett, Wanner, "Solving Ordinary Differential Equations I", 2nd ed., II.1, the fixed ones.
 */
#include "ode/ode.h"

static const double dopri5_c[7] = { 0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1 };
static const double dopri5_a[7 * 7] = {
    0, 0, 0, 0, 0, 0, 0,
    1.0 / 5, 0, 0, 0, 0, 0, 0,
    3.0 / 40, 9.0 / 40, 0, 0, 0, 0, 0,
    44.0 / 45, -56.0 / 15, 32.0 / 9, 0, 0, 0, 0,
    19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729, 0, 0, 0,
    9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656, 0, 0,
    35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0,
};
static const double dopri5_b[7] = { 35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84, 0 };
static const double dopri5_e[7] = { 35.0 / 384 - 1951.0 / 21600, 0, 500.0 / 1113 - 22642.0 / 50085, 125.0 / 192 - 451.0 / 720,
                                    12231.0 / 42400 - 2187.0 / 6784, 11.0 / 84 - 649.0 / 6300, -1.0 / 60 };

static const double tsit5_c[7] = { 0, 0.161, 0.327, 0.9, 0.9800255409045097, 1, 1 };
static const double tsit5_a[7 * 7] = {
    0, 0, 0, 0, 0, 0, 0,
    0.161, 0, 0, 0, 0, 0, 0,
    -0.008480655492356989, 0.335480655492357, 0, 0, 0, 0, 0,
    2.8971530571054935, -6.359448489975075, 4.3622954328695815, 0, 0, 0, 0,
    5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525, 0, 0, 0,
    5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383, 0, 0,
    0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0,
};
static const double tsit5_b[7] = { 0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081,
                                   2.324710524099774, 0 };
static const double tsit5_e[7] = { -0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629,
                                   0.5823571654525552, -0.45808210592918697, 1.0 / 66 };

static const double bosh3_c[4] = { 0, 1.0 / 2, 3.0 / 4, 1 };
static const double bosh3_a[4 * 4] = {
    0, 0, 0, 0,
    1.0 / 2, 0, 0, 0,
    0, 3.0 / 4, 0, 0,
    2.0 / 9, 1.0 / 3, 4.0 / 9, 0,
};
static const double bosh3_b[4] = { 2.0 / 9, 1.0 / 3, 4.0 / 9, 0 };
static const double bosh3_e[4] = { 2.0 / 9 - 7.0 / 24, 1.0 / 3 - 1.0 / 4, 4.0 / 9 - 1.0 / 3, -1.0 / 8 };

static const double rk4_c[4] = { 0, 1.0 / 2, 1.0 / 2, 1 };
static const double rk4_a[4 * 4] = {
    0, 0, 0, 0,
    1.0 / 2, 0, 0, 0,
    0, 1.0 / 2, 0, 0,
    0, 0, 1, 0,
};
static const double rk4_b[4] = { 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6 };

static const double midpoint_c[2] = { 0, 1.0 / 2 };
static const double midpoint_a[2 * 2] = { 0, 0, 1.0 / 2, 0 };
static const double midpoint_b[2] = { 0, 1 };

static const double euler_c[1] = { 0 }, euler_a[1] = { 0 }, euler_b[1] = { 1 };

/* In the order of NF_ODE_DOPRI5, ... name, stages, order, fsal, adaptive, c, a, b, e */
static const nfi_ode_method methods[] = {
    { "dopri5", 7, 5, 1, 1, dopri5_c, dopri5_a, dopri5_b, dopri5_e },
    { "tsit5", 7, 5, 1, 1, tsit5_c, tsit5_a, tsit5_b, tsit5_e },
    { "bosh3", 4, 3, 1, 1, bosh3_c, bosh3_a, bosh3_b, bosh3_e },
    { "rk4", 4, 4, 0, 0, rk4_c, rk4_a, rk4_b, NULL },
    { "midpoint", 2, 2, 0, 0, midpoint_c, midpoint_a, midpoint_b, NULL },
    { "euler", 1, 1, 0, 0, euler_c, euler_a, euler_b, NULL },
};

const nfi_ode_method *nfi_ode_method_at(int32_t index)
{
    return index < 1 || index > (int32_t)(sizeof methods / sizeof *methods) ? NULL : &methods[index - 1];
}
