/* SPDX-License-Identifier: MIT
 *
 * embed.cpp - a flow inside a C++17 program: several threads share one const flow, without a lock
 *
 * Every call on a const flow may run from any number of threads at once and gives the bits that a serial run gives; the program
 * proves it on its own rows. What a thread catches is thrown where it is joined, with its status and its line.
 */
#include <nflow/nflow.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <future>
#include <stdexcept>
#include <vector>

namespace {

/* Each thread evaluates its own slice of the rows, straight into its slice of the result. */
std::vector<double> log_prob_threaded(const nflow::flow &flow, const std::vector<float> &x, std::size_t threads)
{
    const std::size_t dim = static_cast<std::size_t>(flow.dim()), rows = x.size() / dim, slice = (rows + threads - 1) / threads;
    std::vector<double> log_prob(rows);
    std::vector<std::future<void>> crew;

    for (std::size_t first = 0; first < rows; first += slice) {
        const std::size_t n = std::min(slice, rows - first);
        crew.push_back(std::async(std::launch::async, [&, first, n] {
            flow.log_prob_to({ &log_prob[first], n }, { &x[dim * first], dim * n });
        }));
    }
    for (auto &one : crew) one.get();
    return log_prob;
}

void run()
{
    const auto data = nflow::dataset::synthetic("8gaussians", 5000, -1.0, 1);
    auto adam = nflow::optimizer::adam();
    nflow::realnvp_config shape;
    nflow::fit_config fit;
    shape.dim = data.dim();
    fit.epochs = 5;
    nflow::flow flow(shape);
    flow.fit(adam, data, {}, fit);

    const std::vector<float> x = data.copy();
    const auto serial = log_prob_threaded(flow, x, 1), shared = log_prob_threaded(flow, x, 8);
    if (std::memcmp(serial.data(), shared.data(), serial.size() * sizeof(double)) != 0)
        throw std::runtime_error("eight threads and one thread differ");
    double sum = 0.0;
    for (const double value : shared) sum += value;
    std::printf("eight threads share one flow: mean log p = %.4f, the bits of a serial run\n", sum / static_cast<double>(shared.size()));
}

} // namespace

int main()
{
    try {
        run();
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "embed: %s\n", error.what());
        return 1;
    }
}
