/* SPDX-License-Identifier: MIT
 *
 * consumer.cpp - consumer.c as a C++17 program would write it; the same numbers
 */
#include <nflow/nflow.hpp>

#include <cstdio>

static void run()
{
    nflow::realnvp_config realnvp;
    nflow::fit_config fit;
    realnvp.dim = 2;
    realnvp.layers = 2;
    fit.epochs = 1;
    const nflow::dataset data = nflow::dataset::synthetic("moons", 256, -1, 1);
    nflow::flow flow(realnvp);
    nflow::optimizer optimizer = nflow::optimizer::adam();
    flow.fit(optimizer, data, {}, fit);
    const std::vector<float> x = flow.sample(4, { 7 });
    const std::vector<double> log_prob = flow.log_prob(x);
    for (std::size_t i = 0; i < 4; i++)
        std::printf("%a %a %a\n", static_cast<double>(x[2 * i]), static_cast<double>(x[2 * i + 1]), log_prob[i]);
}

int main()
{
    try {
        run();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
