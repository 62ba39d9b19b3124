/* SPDX-License-Identifier: MIT
 *
 * bits.cpp - bits.c in C++: the same numbers
 */
#include <nflow/nflow.hpp>

#include <cinttypes>
#include <cstdio>
#include <cstring>

static std::uint64_t bits_of(double x)
{
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

int main(int argc, char **argv)
{
    try {
        if (argc != 2) throw std::runtime_error("usage: bits MODEL");
        std::vector<double> y;
        for (int i = 0; i < 35; i++) {
            y.push_back((i % 7 - 3) * 0.375);
            y.push_back((i % 5 - 2) * 0.4375);
        }
        std::vector<float> x;
        for (const double value : y) x.push_back(static_cast<float>(value));
        const nflow::flow flow = nflow::flow::load(argv[1]);
        const std::vector<double> log_prob = flow.log_prob(x), wide = flow.convert(NF_F64).log_prob(y);
        for (std::size_t i = 0; i < wide.size(); i++)
            std::printf("%016" PRIx64 " %016" PRIx64 "\n", bits_of(log_prob[i]), bits_of(wide[i]));
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bits: %s\n", error.what());
        return 1;
    }
}
