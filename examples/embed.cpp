/* SPDX-License-Identifier: MIT
 *
 * embed.cpp - a flow inside a C++17 program: several threads share one const flow, without a lock
 *
 * Every call on a const flow may run from any number of threads at once and gives the bits that a serial run gives; the program
 * proves it on its own rows.
 */
#include <nflow/nflow.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

/* unique_ptr for handles: nf_..._unref is the deleter. */
template <auto unref> struct Unref {
    template <typename T> void operator()(T *object) const { unref(object); }
};
using Dataset = std::unique_ptr<nf_dataset, Unref<nf_dataset_unref>>;
using Flow = std::unique_ptr<nf_flow, Unref<nf_flow_unref>>;
using Optimizer = std::unique_ptr<nf_optimizer, Unref<nf_optimizer_unref>>;

void check(nf_status status)
{
    if (status < 0) throw std::runtime_error(nf_last_error());
}

Dataset make_data(std::int64_t rows)
{
    nf_dataset *data = nullptr;
    check(nf_dataset_synthetic(&data, nullptr, "8gaussians", rows, -1.0, 1));
    return Dataset(data);
}

Flow make_flow(const Dataset &data)
{
    nf_realnvp_config shape;
    nf_realnvp_config_init(&shape);
    shape.dim = nf_dataset_dim(data.get());
    nf_flow *flow = nullptr;
    check(nf_flow_create_realnvp(&flow, nullptr, &shape));
    return Flow(flow);
}

void fit(const Flow &flow, const Dataset &data, std::int64_t epochs)
{
    nf_optimizer *adam = nullptr;
    check(nf_optimizer_adam_create(&adam, nullptr, nullptr));
    const Optimizer owner(adam);
    nf_fit_config config;
    nf_fit_config_init(&config);
    config.epochs = epochs;
    check(nf_flow_fit(flow.get(), adam, data.get(), nullptr, &config, nullptr));
}

/* Each thread evaluates its own slice of the rows. */
std::vector<double> log_prob_threaded(const nf_flow *flow, const std::vector<float> &x, std::int64_t rows, int threads)
{
    std::vector<double> log_prob(static_cast<std::size_t>(rows));
    std::vector<nf_status> status(static_cast<std::size_t>(threads), NF_OK);
    std::vector<std::thread> crew;
    const std::int64_t slice = (rows + threads - 1) / threads;

    for (int t = 0; t < threads; t++) {
        const std::int64_t first = std::min(rows, t * slice), n = std::min(slice, rows - first);
        crew.emplace_back([=, &x, &log_prob, &status] {
            status[static_cast<std::size_t>(t)] =
                nf_flow_log_prob(flow, n, x.data() + 2 * first, nullptr, log_prob.data() + first);
        });
    }
    for (auto &thread : crew) thread.join();
    for (const nf_status s : status)
        if (s < 0) throw std::runtime_error(nf_status_text(s));
    return log_prob;
}

} // namespace

int main()
{
    try {
        const std::int64_t rows = 5000;
        const Dataset data = make_data(rows);
        const Flow flow = make_flow(data);
        std::vector<float> x(static_cast<std::size_t>(2 * rows));

        fit(flow, data, 5);
        check(nf_dataset_copy(data.get(), 0, rows, x.data(), nullptr));
        const auto serial = log_prob_threaded(flow.get(), x, rows, 1);
        const auto shared = log_prob_threaded(flow.get(), x, rows, 8);
        if (std::memcmp(serial.data(), shared.data(), serial.size() * sizeof(double)) != 0)
            throw std::runtime_error("eight threads and one thread differ");
        double sum = 0.0;
        for (const double value : shared) sum += value;
        std::printf("eight threads share one flow: mean log p = %.4f, the bits of a serial run\n",
                    sum / static_cast<double>(rows));
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "embed: %s\n", error.what());
        return 1;
    }
}
