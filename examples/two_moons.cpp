/* SPDX-License-Identifier: MIT
 *
 * two_moons.cpp - two_moons.c in C++17, without its pictures: the same data, the same seeds, the same numbers
 *
 *   two_moons_cpp [FOLDER] [--epochs N] [--preset default|book]      writes FOLDER/two_moons_cpp.safetensors
 */
#include <nflow/nflow.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct options {
    std::string folder = ".";
    std::int64_t epochs = 300;
    bool book = false;
};

/* The recipes of two_moons.c. */
void set_recipe(bool book, nflow::realnvp_config &shape, nflow::adam_config &adam, nflow::fit_config &fit)
{
    shape.preset = book ? NF_PRESET_BOOK : NF_PRESET_DEFAULT;
    adam.lr = book ? 1e-4 : 3e-3;
    adam.eps = book ? 1e-7 : 1e-8;
    fit.schedule = book ? NF_SCHEDULE_CONSTANT : NF_SCHEDULE_COSINE;
    fit.clip_norm = book ? -1.0 : 5.0;
    fit.ema_decay = book ? 0.0 : 0.99;
    fit.l2 = book ? 0.0 : 1e-5;
}

void run(const options &given)
{
    const double noise = 0.05;
    nflow::context_config machine;
    machine.threads = -1;
    const nflow::context context(machine);
    const auto all = nflow::dataset::synthetic("moons-sklearn", 3000, noise, 1, context);
    const auto [train, valid] = all.split(0.8, UINT64_MAX);
    const nflow::column_report columns[] = { all.check_column(0), all.check_column(1) };
    const double mean[] = { columns[0].mean, columns[1].mean }, sd[] = { columns[0].sd, columns[1].sd };
    const double log_sd = std::log(sd[0]) + std::log(sd[1]);

    nflow::realnvp_config shape;
    nflow::adam_config adam;
    nflow::fit_config fit;
    nflow::fit_report report;
    set_recipe(given.book, shape, adam, fit);
    shape.dim = shape.n_mean = shape.n_sd = 2;
    shape.seed = fit.seed = 1;
    shape.mean = mean;
    shape.sd = sd;
    fit.epochs = given.epochs;
    fit.batch = 256;
    nflow::flow flow(shape, context);
    auto rule = nflow::optimizer::adam(adam, context);
    double first = 0.0;
    flow.fit(
        rule, train, valid, fit,
        [&](const nf_fit_progress &p) {
            if (p.epoch == 1) first = p.valid_nll;
        },
        &report);
    flow.save(given.folder + "/two_moons_cpp.safetensors");

    std::printf("recipe \"%s\": %lld epochs in %.1f s, %lld parameters\n", given.book ? "book" : "default",
                static_cast<long long>(report.epochs), report.seconds, static_cast<long long>(flow.param_count()));
    std::printf("held-out NLL  %.4f nats a point (standardised), best epoch %lld\n", report.valid_nll - log_sd,
                static_cast<long long>(report.best_epoch));
    std::printf("true entropy  %.4f: no model can do better on average\n",
                nflow::dataset::synthetic_entropy("moons-sklearn", noise) - log_sd);
    if (!(report.valid_nll <= first)) throw std::runtime_error("training made it worse");
}

bool read_arguments(int argc, char **argv, options &given)
{
    for (int i = 1; i < argc; i++) {
        const std::string_view word = argv[i];
        if (word == "--epochs" && i + 1 < argc)
            given.epochs = std::strtoll(argv[++i], nullptr, 10);
        else if (word == "--preset" && i + 1 < argc)
            given.book = std::string_view(argv[++i]) == "book";
        else if (word[0] != '-')
            given.folder = word;
        else
            return false;
    }
    return given.epochs >= 1;
}

} // namespace

int main(int argc, char **argv)
{
    options given;
    if (!read_arguments(argc, argv, given)) {
        std::fprintf(stderr, "usage: two_moons_cpp [FOLDER] [--epochs N] [--preset default|book]\n");
        return 2;
    }
    try {
        run(given);
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "two_moons_cpp: %s\n", error.what());
        return 1;
    }
}
