/* SPDX-License-Identifier: MIT
 *
 * consumer.cpp - consumer.c as a C++17 program would write it; the same numbers
 */
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include <nflow/layer_type.h>
#include <nflow/nflow.h>

template <auto release> struct releaser {
    template <class T> void operator()(T *handle) const { release(handle); }
};
using dataset = std::unique_ptr<nf_dataset, releaser<nf_dataset_unref>>;
using flow = std::unique_ptr<nf_flow, releaser<nf_flow_unref>>;
using optimizer = std::unique_ptr<nf_optimizer, releaser<nf_optimizer_unref>>;

static void must(nf_status status)
{
    if (status < 0) throw std::runtime_error(nf_last_error());
}

static void run()
{
    nf_realnvp_config realnvp;
    nf_adam_config adam;
    nf_fit_config fit;
    nf_dataset *data = nullptr;
    nf_flow *model = nullptr;
    nf_optimizer *rule = nullptr;
    std::vector<float> x(8);
    std::vector<double> log_prob(4);

    nf_realnvp_config_init(&realnvp);
    nf_adam_config_init(&adam);
    nf_fit_config_init(&fit);
    realnvp.dim = 2;
    realnvp.layers = 2;
    fit.epochs = 1;
    must(nf_dataset_synthetic(&data, nullptr, "moons", 256, -1, 1));
    const dataset rows(data);
    must(nf_flow_create_realnvp(&model, nullptr, &realnvp));
    const flow trained(model);
    must(nf_optimizer_adam_create(&rule, nullptr, &adam));
    const optimizer adam_rule(rule);
    must(nf_flow_fit(trained.get(), adam_rule.get(), rows.get(), nullptr, &fit, nullptr));
    must(nf_flow_sample(trained.get(), 7, 0, 4, nullptr, 1.0, x.data(), log_prob.data()));
    must(nf_flow_log_prob(trained.get(), 4, x.data(), nullptr, log_prob.data()));
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
