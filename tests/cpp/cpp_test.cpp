/* SPDX-License-Identifier: MIT
 *
 * cpp_test.cpp - nflow/nflow.hpp: owners, errors, spans, callbacks, and that each call is the one of C, to the bit
 *
 * Compiled as C++17 and as C++20. What is leaked is seen by a counting allocator here, and by the sanitizers.
 */
#include <nflow/nflow.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#if __cplusplus > 201703L && __has_include(<span>)
#include <span>
#define HAS_STD_SPAN 1
#endif

namespace {

/* ---- the harness */

struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
#define EXPECT(condition)                                                                                                        \
    do {                                                                                                                         \
        if (!(condition)) throw failure("line " STRINGIFY(__LINE__) ": " #condition);                                            \
    } while (0)

/* What a call throws as nflow::error: its status; the line must hold `words`. */
template <class F> nf_status thrown_by(F call, const std::string &words = "")
{
    try {
        call();
    } catch (const nflow::error &e) {
        if (std::string(e.what()).find(words) == std::string::npos)
            throw failure("line \"" + std::string(e.what()) + "\" lacks " + words);
        if (std::string(e.name()) != nf_status_name(e.code())) throw failure("name and code differ");
        return e.code();
    }
    return NF_OK;
}

template <class T> bool same_bits(const std::vector<T> &a, const std::vector<T> &b)
{
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/* ---- scenes */

nflow::flow small_flow(std::int32_t dtype = NF_F32, const nflow::context &c = {}, std::int64_t cond_dim = 0)
{
    const std::array<std::int64_t, 2> hidden = { 8, 8 };
    nflow::realnvp_config shape;
    shape.dim = 2;
    shape.cond_dim = cond_dim;
    shape.layers = 2;
    shape.hidden = hidden.data();
    shape.n_hidden = 2;
    shape.dtype = dtype;
    shape.seed = 3;
    return nflow::flow(shape, c);
}

nflow::fit_config short_fit(std::int64_t epochs)
{
    nflow::fit_config g;
    g.epochs = epochs;
    g.seed = 5;
    return g;
}

/* ---- owners */

template <class Owner> constexpr bool is_owner =
    std::is_nothrow_move_constructible_v<Owner> && std::is_nothrow_move_assignable_v<Owner> &&
    !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner> && std::is_nothrow_default_constructible_v<Owner> &&
    sizeof(Owner) == sizeof(void *);
static_assert(is_owner<nflow::context> && is_owner<nflow::dataset> && is_owner<nflow::layer> && is_owner<nflow::base>);
static_assert(is_owner<nflow::optimizer>);
static_assert(std::is_nothrow_move_constructible_v<nflow::flow> && !std::is_copy_constructible_v<nflow::flow>);
static_assert(sizeof(nflow::realnvp_config) == sizeof(nf_realnvp_config) && sizeof(nflow::fit_report) == sizeof(nf_fit_report));

void owners__move_and_share()
{
    nflow::flow a = small_flow();
    nf_flow *const handle = a.get();
    nflow::flow b = std::move(a);
    EXPECT(!a && b && b.get() == handle);
    nflow::flow &alias = b;
    b = std::move(alias);
    EXPECT(b.get() == handle);
    nflow::flow c = b.share();
    EXPECT(c.get() == handle);
    b = small_flow(NF_F64);
    EXPECT(b.dtype() == NF_F64 && c.dtype() == NF_F32);
    c = nflow::flow();
    EXPECT(!c && c.dim() == 0 && !c.share());
    const nflow::flow taken(b.release());
    EXPECT(!b && taken.dim() == 2);
}

void owners__objects_keep_their_parts()
{
    nflow::flow model;
    {
        nflow::context_config g;
        g.threads = 2;
        const nflow::context c(g);
        EXPECT(c.threads() == 2 && c.isa() != nullptr && std::string(c.backend()) == "native");
        nflow::affine_config shape;
        shape.dim = 3;
        std::vector<nflow::layer> layers;
        layers.emplace_back(shape, c);
        layers.push_back(layers[0].share());
        model = nflow::flow(nflow::base::normal(3, c), layers, nflow::flow_config(), c);
    }
    EXPECT(model.layers() == 2 && std::string(model.layer_at(1).type_name()) == "affine" && !model.layer_at(2));
    EXPECT(model.latent().dim() == 3 && std::string(model.latent().type_name()) == "normal");
    EXPECT(model.sample(4).size() == 12);
}

void configs__begin_as_the_defaults()
{
    nflow::fit_config mine;
    nf_fit_config theirs;
    nf_fit_config_init(&theirs);
    EXPECT(std::memcmp(&mine, &theirs, sizeof theirs) == 0);
}

/* ---- errors */

void errors__carry_code_name_and_line()
{
    try {
        nflow::flow(nflow::realnvp_config{});
        EXPECT(!"a flow without dim was made");
    } catch (const nflow::error &e) {
        EXPECT(e.code() == NF_ERR_ARG || e.code() == NF_ERR_SHAPE);
        EXPECT(std::string(e.name()).find("NF_ERR_") == 0 && std::strstr(e.what(), "dim"));
    }
    EXPECT(thrown_by([] { nflow::flow::load("/nowhere/at/all"); }, "/nowhere") == NF_ERR_IO);
    EXPECT(thrown_by([] { nflow::flow::load_memory("x", 1); }) == NF_ERR_FORMAT);
    EXPECT(thrown_by([] { nflow::flow::from_json("{"); }) == NF_ERR_FORMAT);
    EXPECT(thrown_by([] { nflow::dataset::synthetic("squares", 10); }, "moons") == NF_ERR_UNKNOWN);
    EXPECT(thrown_by([] { nflow::dataset::load("/nowhere.csv"); }) == NF_ERR_IO);
    EXPECT(thrown_by([] { nflow::layer::create("flat", nullptr); }) == NF_ERR_UNKNOWN);
    EXPECT(thrown_by([] { nflow::optimizer::create("guess", nullptr); }) == NF_ERR_UNKNOWN);
    EXPECT(thrown_by([] { nflow::base::create("square", nullptr); }) == NF_ERR_UNKNOWN);
    EXPECT(thrown_by([] { nflow::base::uniform(2, 1.0, 0.0); }) == NF_ERR_ARG);
    nflow::context_config strange;
    strange.threads = -7;
    EXPECT(thrown_by([&] { nflow::context{ strange }; }, "threads") == NF_ERR_ARG);
}

void errors__sizes_are_checked_before_the_call()
{
    const nflow::flow model = small_flow(), given = small_flow(NF_F32, {}, 1);
    const std::vector<float> x(6), odd(5);
    std::vector<double> two(2);
    std::vector<float> short_z(4);
    EXPECT(thrown_by([&] { model.log_prob(odd); }, "5 elements") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.log_prob_to(two, x); }, "log_prob has 2") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.forward_to(short_z, x); }, "z has 4") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.score_to(short_z, x, {}, two); }) == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { given.log_prob(x, odd); }, "cond has 5") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { given.log_prob(x); }, "cond") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.log_prob(x, x); }, "cond") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.interpolate(x, x, 3); }, "x0 has 6") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.move(x, x, 1.0); }, "along") == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.sample(-1); }) == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { nflow::dataset(odd, 2); }) == NF_ERR_SHAPE);
    nflow::dataset data(x, 2);
    EXPECT(thrown_by([&] { data.set_cond(odd); }) == NF_ERR_SHAPE && thrown_by([&] { data.set_weights(two); }) == NF_ERR_SHAPE);
    EXPECT(thrown_by([&] { model.log_prob(std::vector<double>(2)); }) == NF_ERR_DTYPE);
    EXPECT(thrown_by([&] { nflow::flow().log_prob(x); }) == NF_ERR_NULL);
    EXPECT(thrown_by([&] { nflow::dataset().check_column(0); }) == NF_ERR_NULL);
    EXPECT(model.log_prob(std::vector<float>()).empty());
}

void errors__remarks_are_returned()
{
    const nflow::flow model = small_flow();
    const float x[] = { 0.5f, NAN, 0.25f, 0.125f };
    std::array<double, 2> log_prob;
    EXPECT(model.log_prob_to(log_prob, x) == NF_ROWS_NONFINITE);
    EXPECT(std::isnan(log_prob[0]) && std::isfinite(log_prob[1]));
}

/* ---- spans */

void spans__convert_from_what_holds_an_array()
{
    static_assert(!std::is_convertible_v<std::vector<double>, nflow::span<const float>>);
    static_assert(!std::is_convertible_v<const std::vector<float> &, nflow::span<float>>);
    static_assert(!std::is_convertible_v<int, nflow::span<const float>>);
    const nflow::flow model = small_flow();
    const std::vector<float> x = { 0.5f, -0.25f, 1.5f, 0.75f };
    std::array<float, 4> a = { 0.5f, -0.25f, 1.5f, 0.75f };
    float c[] = { 0.5f, -0.25f, 1.5f, 0.75f };
    const std::vector<double> expected = model.log_prob(x);
    EXPECT(same_bits(expected, model.log_prob(a)) && same_bits(expected, model.log_prob(c)));
    EXPECT(same_bits(expected, model.log_prob(nflow::span<float>(a.data(), a.size()))));
    EXPECT(same_bits(std::vector<double>(expected.begin() + 1, expected.end()), model.log_prob({ x.data() + 2, 2 })));
#ifdef HAS_STD_SPAN
    const std::span<const float> s(x);
    EXPECT(same_bits(expected, model.log_prob(s)));
    const nflow::span<const float> ours = s;
    EXPECT(std::span<const float>(ours.data(), ours.size()).size() == 4);
#endif
    double sum = 0.0;
    for (const float value : nflow::span<const float>(x)) sum += static_cast<double>(value);
    EXPECT(sum == 2.5 && nflow::span<const float>(x)[3] == 0.75f && nflow::span<int>().empty());
}

/* ---- calls: the bits of C */

template <class Real> struct c_calls;
template <> struct c_calls<float> {
    static constexpr auto dtype = NF_F32;
    static constexpr auto log_prob = nf_flow_log_prob;
    static constexpr auto sample = nf_flow_sample;
    static constexpr auto forward = nf_flow_forward;
    static constexpr auto inverse = nf_flow_inverse;
    static constexpr auto score = nf_flow_score;
    static constexpr auto interpolate = nf_flow_interpolate;
    static constexpr auto direction = nf_flow_direction;
    static constexpr auto move = nf_flow_move;
    static constexpr auto temperatures = nf_flow_sample_temperatures;
};
template <> struct c_calls<double> {
    static constexpr auto dtype = NF_F64;
    static constexpr auto log_prob = nf_flow_log_prob_f64;
    static constexpr auto sample = nf_flow_sample_f64;
    static constexpr auto forward = nf_flow_forward_f64;
    static constexpr auto inverse = nf_flow_inverse_f64;
    static constexpr auto score = nf_flow_score_f64;
    static constexpr auto interpolate = nf_flow_interpolate_f64;
    static constexpr auto direction = nf_flow_direction_f64;
    static constexpr auto move = nf_flow_move_f64;
    static constexpr auto temperatures = nf_flow_sample_temperatures_f64;
};

template <class Real> void calls__are_those_of_c()
{
    using c = c_calls<Real>;
    using vector = std::vector<Real>;
    const nflow::flow model = small_flow(c::dtype, {}, 1);
    const std::int64_t n = 5;
    const vector cond = { Real(0.5), Real(-1), Real(0), Real(2), Real(1.25) };
    vector x(10), y(10), other(10);
    std::vector<double> p(5), q(5);

    x = model.sample<Real>(n, { 7, 2, 0.9 }, cond);
    nflow::check(c::sample(model.get(), 7, 2, n, cond.data(), 0.9, y.data(), q.data()));
    EXPECT(same_bits(x, y));
    model.sample_to(other, { 7, 2, 0.9 }, cond, p);
    EXPECT(same_bits(other, y) && same_bits(p, q));
    nflow::check(c::log_prob(model.get(), n, x.data(), cond.data(), q.data()));
    EXPECT(same_bits(model.log_prob(x, cond), q));
    nflow::check(c::forward(model.get(), n, x.data(), cond.data(), y.data(), q.data()));
    EXPECT(model.forward_to(other, x, cond, p) == NF_OK && same_bits(other, y) && same_bits(p, q) &&
           same_bits(model.forward(x, cond), y));
    const vector z = y;
    nflow::check(c::inverse(model.get(), n, z.data(), cond.data(), y.data(), q.data()));
    EXPECT(model.inverse_to(other, z, cond, p) == NF_OK && same_bits(other, y) && same_bits(p, q) &&
           same_bits(model.inverse(z, cond), y));
    nflow::check(c::score(model.get(), n, x.data(), cond.data(), q.data(), y.data()));
    EXPECT(model.score_to(other, x, cond, p) == NF_OK && same_bits(other, y) && same_bits(p, q) &&
           same_bits(model.score(x, cond), y));

    const vector x0(x.begin(), x.begin() + 2), x1(x.begin() + 2, x.begin() + 4);
    nflow::check(c::interpolate(model.get(), NF_PATH_SPHERICAL, 5, x0.data(), x1.data(), cond.data(), y.data()));
    EXPECT(same_bits(model.interpolate(x0, x1, 5, NF_PATH_SPHERICAL, cond), y));
    vector along(2);
    nflow::check(c::direction(model.get(), n, x.data(), cond.data(), n, z.data(), cond.data(), along.data()));
    EXPECT(same_bits(model.direction(x, z, cond, cond), along));
    nflow::check(c::move(model.get(), n, x.data(), cond.data(), along.data(), 0.5, y.data()));
    EXPECT(same_bits(model.move(x, along, 0.5, cond), y));
    const double degrees[] = { 0.5, 1.0 };
    vector many(20), theirs(20);
    model.sample_temperatures_to(many, degrees, { 7, 2, 1.0 }, cond);
    nflow::check(c::temperatures(model.get(), 7, 2, n, cond.data(), 2, degrees, theirs.data()));
    EXPECT(same_bits(many, theirs));
    EXPECT(model.check_rows(x, cond).passed == 1 && model.solver(x, cond).solves == 0);
}

template <class Real> void calls__a_loop_of_ones_own_trains()
{
    nflow::flow model = small_flow(c_calls<Real>::dtype);
    const nflow::dataset data = nflow::dataset::synthetic("moons", 300, -1.0, 1);
    const std::vector<Real> x = data.copy<Real>();
    nflow::optimizer rule = nflow::optimizer::adam();
    model.init_data(x);
    const double before = model.mean_nll(data);
    for (int i = 0; i < 30; i++) {
        model.zero_grad();
        const double nll = model.nll_grad(x);
        EXPECT(std::isfinite(nll));
        if (i % 2)
            rule.step(model);
        else
            EXPECT(rule.step_clipped(model, 1.0) > 0.0);
    }
    EXPECT(model.mean_nll(data) < before && rule.steps() == 30);
    const nflow::blocks<Real> b = model.params<Real>();
    EXPECT(b.theta.size() == static_cast<std::size_t>(model.param_count()) && b.grad.size() == b.theta.size() &&
           b.grad[0] == Real(0));
    const std::vector<double> theta = model.get_params(), weights(300, 2.0);
    EXPECT(model.nll_grad(x) == model.nll_grad(x, {}, weights));
    b.theta[0] += Real(1);
    model.update();
    EXPECT(model.get_params()[0] == static_cast<double>(b.theta[0]));
    model.set_params(theta);
    EXPECT(same_bits(theta, model.get_params()));
    rule.set_lr(0.25);
    EXPECT(rule.lr() == 0.25);
    rule.reset();
    EXPECT(rule.steps() == 0);
}

void calls__describe_the_flow()
{
    const nflow::flow model = small_flow();
    EXPECT(model.info().params == model.param_count() && model.step_memory(64).total > 0 && model.image_shape().height == 0);
    std::int64_t covered = 0;
    for (const nflow::param_view &view : model.param_views()) covered += view.count;
    EXPECT(covered == model.param_count());
    EXPECT(thrown_by([] { nflow::flow().param_views(); }) == NF_ERR_NULL);
    model.reserve(100, true);
    EXPECT(model.convert(NF_F64).dtype() == NF_F64);
}

void calls__every_optimizer_and_base()
{
    EXPECT(std::string(nflow::optimizer::adam().type_name()) == "adam" &&
           std::string(nflow::optimizer::adamw().type_name()) == "adamw");
    EXPECT(std::string(nflow::optimizer::adamax().type_name()) == "adamax" &&
           std::string(nflow::optimizer::sgd().type_name()) == "sgd");
    nflow::sgd_config g;
    g.lr = 0.5;
    EXPECT(nflow::optimizer::create("sgd", &g).lr() == 0.5 && nflow::optimizer::sgd(g).share().lr() == 0.5);
    nflow::base_normal_full_config full;
    nflow::base_mixture_config mixture;
    nflow::base_student_config student;
    nflow::base_box_config box;
    full.dim = mixture.dim = student.dim = box.dim = 2;
    mixture.components = 3;
    EXPECT(nflow::base::normal_full(full).dim() == 2 && nflow::base::mixture(mixture).dim() == 2 && nflow::base::student(student).dim() == 2 && nflow::base::box(box).dim() == 2);
    nflow::base_normal_conditional_config conditional;
    conditional.dim = 2;
    conditional.cond_dim = 3;
    EXPECT(nflow::base::normal_conditional(conditional).cond_dim() == 3 && nflow::base::laplace(2).cond_dim() == 0);
    EXPECT(std::string(nflow::base::laplace(2).type_name()) == "laplace" && nflow::base::logistic(3).dim() == 3);
    EXPECT(std::string(nflow::base::diagonal(2).type_name()) == "diagonal" && nflow::base::uniform(2, -1, 1).dim() == 2);
    nflow::base_normal_config n;
    n.dim = 4;
    EXPECT(nflow::base::create("normal", &n).dim() == 4);
}

template <class Config> std::int64_t made(Config config) { return nflow::layer(config).dim(); }

void calls__every_layer()
{
    nflow::actnorm_config actnorm;
    nflow::affine_config affine;
    nflow::cnf_config cnf;
    nflow::columns_config columns;
    nflow::coupling_affine_config coupling;
    nflow::coupling_conv_config conv;
    nflow::dequantise_config dequantise;
    nflow::invconv_config invconv;
    nflow::householder_config householder;
    nflow::planar_config planar;
    nflow::radial_config radial;
    nflow::sylvester_config sylvester;
    nflow::linear_config linear;
    nflow::logit_config logit;
    nflow::permutation_config permutation;
    nflow::split_config split;
    nflow::squeeze_config squeeze;
    nflow::standardise_config standardise;
    actnorm.dim = affine.dim = cnf.dim = columns.dim = coupling.dim = dequantise.dim = householder.dim = planar.dim = radial.dim = sylvester.dim = linear.dim = logit.dim = permutation.dim =
        standardise.dim = 3;
    for (auto *height : { &conv.height, &invconv.height, &split.height, &squeeze.height }) *height = 2;
    for (auto *width : { &conv.width, &invconv.width, &split.width, &squeeze.width }) *width = 2;
    for (auto *channels : { &conv.channels, &invconv.channels, &split.channels, &squeeze.channels }) *channels = 2;
    EXPECT(made(actnorm) == 3 && made(affine) == 3 && made(cnf) == 3 && made(coupling) == 3 && made(dequantise) == 3 &&
           made(householder) == 3 && made(planar) == 3 && made(radial) == 3 && made(sylvester) == 3 && made(linear) == 3);
    EXPECT(made(logit) == 3 && made(permutation) == 3 && made(standardise) == 3 && made(columns) == 3);
    EXPECT(made(conv) == 8 && made(invconv) == 8 && made(split) == 8 && made(squeeze) == 8);
    EXPECT(nflow::layer::create("affine", &affine).share().cond_dim() == 0);
}

void calls__every_recipe()
{
    nflow::ffjord_config ffjord;
    ffjord.dim = 2;
    EXPECT(nflow::flow(ffjord).solver(std::vector<float>{ 0.5f, 0.25f }).solves == 1);
    nflow::table_config table;
    table.dim = 2;
    EXPECT(nflow::flow::nsf(table).dim() == 2 && nflow::flow::maf(table).dim() == 2 && nflow::flow::iaf(table).dim() == 2 &&
           nflow::flow::nice(table).dim() == 2);
    nflow::glow_config glow;
    nflow::realnvp_image_config image;
    glow.height = glow.width = image.height = image.width = 4;
    glow.channels = image.channels = glow.steps = glow.levels = image.levels = image.blocks = 1;
    glow.hidden = image.hidden = 4;
    EXPECT(nflow::flow(glow).image_shape().width == 4 && nflow::flow(image).dim() == 16);
}

/* ---- data */

void data__has_all_parts()
{
    const std::vector<double> x = { 1, 2, 3, 4, 5, 6 };
    nflow::dataset data(x, 2);
    EXPECT(data.rows() == 3 && data.dim() == 2 && data.cond_dim() == 0 && data.column_name(0) == nullptr);
    data.set_cond(std::vector<float>{ 1, 2, 3 });
    data.set_weights(std::vector<double>{ 1, 0, 2 });
    EXPECT(data.cond_dim() == 1);
    std::vector<double> rows(2), cond(1);
    data.copy_to(2, rows, cond);
    EXPECT(rows[1] == 6.0 && cond[0] == 3.0);
    data.set_cond(nflow::span<const double>());
    EXPECT(data.cond_dim() == 0 && same_bits(data.copy<double>(), x));
    EXPECT(data.check_column(1).mean == 4.0 && data.standardise().dim() == 2 && data.standardise(true).dim() == 2);
    data.set_image_shape({ 1, 2, 1 });
    EXPECT(data.image_shape().width == 2);
    auto [first, second] = data.split(0.67, UINT64_MAX);
    EXPECT(first.rows() == 2 && second.rows() == 1 && second.copy()[0] == 5.0f);
    EXPECT(thrown_by([&] { data.split(2.0, 0); }) == NF_ERR_ARG);
    const std::string csv = "a,b\n1,2\n3,4\n";
    nflow::read_config g;
    g.max_rows = 1;
    const nflow::dataset table = nflow::dataset::load_memory(csv.data(), csv.size(), g);
    EXPECT(table.rows() == 1 && std::string(table.column_name(1)) == "b");
    EXPECT(nflow::dataset::synthetic_entropy("moons") > 0.0);
}

/* ---- files */

void files__give_the_same_bits_back(const std::string &folder)
{
    const nflow::flow model = small_flow();
    const std::vector<float> x = model.sample(9);
    const std::string path = folder + "/cpp_test" + std::to_string(__cplusplus) + ".safetensors";
    model.save(path);
    EXPECT(nflow::flow::verify(path) == 0.0);
    EXPECT(same_bits(model.log_prob(x), nflow::flow::load(path).log_prob(x)));
    const std::vector<unsigned char> bytes = model.save_memory();
    EXPECT(same_bits(model.log_prob(x), nflow::flow::load_memory(bytes.data(), bytes.size()).log_prob(x)));
    const std::string text = model.to_json();
    EXPECT(nflow::flow::from_json(text).to_json() == text && text.find('\0') == std::string::npos);
    std::remove(path.c_str());
    EXPECT(thrown_by([&] { model.save("/nowhere/at/all"); }) == NF_ERR_IO);
}

/* ---- callbacks */

struct unheard_of {
    int epoch;
};

void progress__is_a_lambda()
{
    nflow::flow model = small_flow();
    nflow::optimizer rule = nflow::optimizer::adam();
    const nflow::dataset data = nflow::dataset::synthetic("moons", 200, -1.0, 1);
    auto [train, valid] = data.split(0.75, 1);
    const std::vector<float> x = data.copy();
    std::vector<double> seen;
    nflow::fit_report report;

    EXPECT(model.fit(
               rule, train, valid, short_fit(3),
               [&](const nf_fit_progress &p) {
                   seen.push_back(p.valid_nll);
                   EXPECT(model.log_prob(x).size() == 200); /* const calls are allowed */
                   EXPECT(thrown_by([&] { model.zero_grad(); }) == NF_ERR_BUSY);
               },
               &report) == NF_OK);
    EXPECT(seen.size() == 3 && report.epochs == 3 && report.stopped == 0 && report.valid_nll == report.valid_nll);
    EXPECT(model.fit(
               rule, train, {}, short_fit(9), [](const nf_fit_progress &p) { return p.epoch == 2; }, &report) == NF_STOPPED);
    EXPECT(report.epochs == 2 && report.stopped == 2);
    const auto count = [&seen](const nf_fit_progress &p) { seen.push_back(p.lr); };
    EXPECT(model.fit(rule, train, {}, short_fit(1), count) == NF_OK);
    const std::function<void(const nf_fit_progress &)> boxed = count;
    EXPECT(model.fit(rule, train, {}, short_fit(1), boxed) == NF_OK);
    EXPECT(model.fit(rule, train, {}, short_fit(1), &report) == NF_OK && model.fit(rule, train, {}, short_fit(1)) == NF_OK);
}

void progress__what_it_throws_comes_out()
{
    nflow::flow model = small_flow();
    nflow::optimizer rule = nflow::optimizer::adam();
    const nflow::dataset data = nflow::dataset::synthetic("moons", 200, -1.0, 1);
    int caught = 0;
    try {
        model.fit(rule, data, {}, short_fit(9), [](const nf_fit_progress &p) {
            if (p.epoch == 2) throw unheard_of{ 2 };
        });
    } catch (const unheard_of &e) {
        caught = e.epoch;
    }
    EXPECT(caught == 2);
    EXPECT(model.fit(rule, data, {}, short_fit(1)) == NF_OK); /* nothing is left behind, nothing is busy */
    EXPECT(thrown_by([&] { model.fit(rule, data, {}, short_fit(2), [&](const nf_fit_progress &) { model.zero_grad(); }); },
                     "nf_flow_zero_grad") == NF_ERR_BUSY);
}

struct ledger {
    std::atomic<long long> bytes{ 0 }, calls{ 0 };
    bool refuse = false;
};

nflow::hooks counting(const std::shared_ptr<ledger> &l)
{
    nflow::hooks h;
    h.alloc = [l](std::int64_t size, std::int64_t alignment) -> void * {
        if (l->refuse) throw std::bad_alloc();
        l->bytes += size, l->calls++;
        return std::aligned_alloc(static_cast<std::size_t>(alignment),
                                  static_cast<std::size_t>((size + alignment - 1) / alignment * alignment));
    };
    h.free = [l](void *p, std::int64_t size) {
        l->bytes -= size;
        std::free(p);
    };
    return h;
}

void hooks__live_as_long_as_the_context()
{
    const auto l = std::make_shared<ledger>();
    nflow::flow model;
    {
        nflow::context c(nflow::context_config(), counting(l));
        model = small_flow(NF_F32, c);
        nflow::flow other = small_flow(NF_F32, c);
        EXPECT(l->calls > 0 && l->bytes > 0);
    }
    EXPECT(l.use_count() == 3 && model.sample(3).size() == 6); /* alloc's and free's copy: the flow keeps them */
    l->refuse = true;
    EXPECT(thrown_by([&] { model.convert(NF_F64); }) == NF_ERR_MEMORY);
    model = nflow::flow();
    EXPECT(l->bytes == 0 && l.use_count() == 1);
    nflow::context_config wrong;
    wrong.threads = -5;
    EXPECT(thrown_by([&] { nflow::context(wrong, counting(l)); }) == NF_ERR_ARG && l.use_count() == 1);
}

void hooks__log_and_what_it_throws()
{
    std::string text;
    bool throws = false;
    nflow::hooks h;
    h.log = [&](std::int32_t, const char *line) {
        text = line;
        if (throws) throw unheard_of{ 1 };
    };
    const nflow::context c(nflow::context_config(), std::move(h));
    nflow::flow model = small_flow(NF_F32, c);
    nflow::optimizer rule = nflow::optimizer::adam({}, c);
    const nflow::dataset data = nflow::dataset::synthetic("moons", 64, -1.0, 1, c);
    nflow::fit_config g = short_fit(2);
    g.checkpoint = "/nowhere/at/all/checkpoint";
    g.checkpoint_epochs = 1;
    EXPECT(thrown_by([&] { model.fit(rule, data, {}, g); }) == NF_ERR_IO); /* the last one; the first is a warning */
    EXPECT(text.find("/nowhere") != std::string::npos);
    throws = true;
    int caught = 0;
    try {
        model.fit(rule, data, {}, g);
    } catch (const unheard_of &e) {
        caught = e.epoch;
    }
    EXPECT(caught == 1);
    throws = false;
    EXPECT(model.fit(rule, data, {}, short_fit(1)) == NF_OK);
}

void hooks__parallel_for_runs_the_tasks()
{
    std::atomic<int> loops{ 0 };
    nflow::hooks h;
    h.parallel_for = [&](std::int64_t n, nflow::task work) {
        loops++;
        std::thread other([&] {
            for (std::int64_t i = 1; i < n; i += 2) work(i);
        });
        for (std::int64_t i = 0; i < n; i += 2) work(i);
        other.join();
    };
    nflow::context_config g;
    g.threads = 2;
    const nflow::context c(g, std::move(h));
    nflow::realnvp_config book;
    book.dim = 2;
    book.preset = NF_PRESET_BOOK;
    const nflow::flow here(book), there(book, c);
    const std::vector<float> x = here.sample(4000);
    EXPECT(same_bits(here.log_prob(x), there.log_prob(x)) && loops > 0);
}

void contexts__cancel()
{
    const nflow::context c{ nflow::context_config() };
    nflow::flow model = small_flow(NF_F32, c);
    c.cancel();
    EXPECT(thrown_by([&] { model.sample(5); }) == NF_ERR_CANCELLED);
    c.resume();
    EXPECT(model.sample(5).size() == 10);
}

/* ---- a layer of one's own, in C++: z = x + 1, and it throws at 100 */

struct step_config {
    std::uint32_t struct_size = sizeof(step_config), reserved = 0;
    std::int64_t dim = 2;
};

nf_status step_create(nf_maker *maker, void *config, void **self)
{
    auto *dim = static_cast<std::int64_t *>(nf_maker_alloc(maker, sizeof(std::int64_t)));
    if (!dim) return NF_ERR_MEMORY;
    *dim = static_cast<const step_config *>(config)->dim;
    *self = dim;
    return NF_OK;
}

nf_status step_describe(const void *self, nf_layer_info *info)
{
    info->dim = *static_cast<const std::int64_t *>(self);
    return NF_OK;
}

void step_add(const void *self, const nf_tile *tile, const void *in, void *out, float amount)
{
    const std::int64_t count = tile->n * *static_cast<const std::int64_t *>(self);
    for (std::int64_t i = 0; i < count; i++) {
        const float x = static_cast<const float *>(in)[i];
        if (x == 100.0f) throw std::runtime_error("x is 100, too much");
        if (x == 101.0f) throw nflow::error(NF_ERR_DOMAIN, "x is 101, outside");
        if (x == 102.0f) throw 102;
        static_cast<float *>(out)[i] = x + amount;
    }
}

nf_status step_forward(const void *self, const nf_tile *tile, const void *in, void *out, void *)
{
    step_add(self, tile, in, out, 1.0f);
    return NF_OK;
}

nf_status step_inverse(const void *self, const nf_tile *tile, const void *out, void *in)
{
    step_add(self, tile, out, in, -1.0f);
    return NF_OK;
}

nf_status step_backward(const void *, const nf_tile *, const void *, const void *, const void *, void *, const double *)
{
    return NF_OK;
}

const nf_layer_ops step_ops = [] {
    nf_layer_ops ops{};
    ops.struct_size = sizeof ops;
    ops.forward = nflow::operation<step_forward>;
    ops.inverse = nflow::operation<step_inverse>;
    ops.backward = step_backward;
    return ops;
}();

const nf_field step_fields[] = { { "dim", "columns", nullptr, NF_FIELD_I64, NF_FIELD_REQUIRED, offsetof(step_config, dim), 0, 0.0,
                                   1.0, 1e6 } };

const nf_layer_type step_type = [] {
    nf_layer_type type{};
    type.struct_size = sizeof type;
    type.version = 1;
    type.name = "step";
    type.config_size = type.config_first_size = sizeof(step_config);
    type.fields = step_fields;
    type.n_fields = 1;
    type.create = nflow::operation<step_create>;
    type.describe = nflow::operation<step_describe>;
    type.f32 = &step_ops;
    return type;
}();

void layers__of_ones_own_may_throw()
{
    nflow::context c{ nflow::context_config() };
    c.register_layer(step_type);
    EXPECT(thrown_by([&] { c.register_layer(step_type); }) == NF_ERR_ARG);
    const step_config g;
    std::vector<nflow::layer> layers;
    layers.push_back(nflow::layer::create("step", &g, c));
    layers.push_back(nflow::layer::custom(step_type, &g, c));
    const nflow::flow model(nflow::base::normal(2, c), layers, nflow::flow_config(), c);
    EXPECT(model.forward(std::vector<float>{ 1, 2 })[1] == 4.0f && model.inverse(std::vector<float>{ 1, 2 })[0] == -1.0f);
    EXPECT(thrown_by([&] { model.forward(std::vector<float>{ 1, 100 }); }, "x is 100, too much") == NF_ERR_CALLBACK);
    EXPECT(thrown_by([&] { model.forward(std::vector<float>{ 1, 101 }); }, "x is 101, outside") == NF_ERR_DOMAIN);
    EXPECT(thrown_by([&] { model.forward(std::vector<float>{ 1, 102 }); }, "no standard type") == NF_ERR_CALLBACK);
    EXPECT(nflow::flow::from_json(model.to_json(), c).layers() == 2);
}

/* ---- the control: the harness sees what it is for */

void control__a_failure_is_seen()
{
    bool seen = false;
    try {
        EXPECT(1 + 1 == 3);
    } catch (const failure &) {
        seen = true;
    }
    EXPECT(seen);
    EXPECT(thrown_by([] {}) == NF_OK);
    seen = false;
    try {
        thrown_by([] { nflow::flow::load("/nowhere"); }, "words that are not there");
    } catch (const failure &) {
        seen = true;
    }
    EXPECT(seen && !same_bits(std::vector<double>{ 0.0 }, std::vector<double>{ -0.0 }));
}

} // namespace

int main(int argc, char **argv)
{
    const std::string folder = argc > 1 ? argv[1] : ".";
    const std::map<std::string, std::function<void()>> cases = {
        { "owners__move_and_share", owners__move_and_share },
        { "owners__objects_keep_their_parts", owners__objects_keep_their_parts },
        { "configs__begin_as_the_defaults", configs__begin_as_the_defaults },
        { "errors__carry_code_name_and_line", errors__carry_code_name_and_line },
        { "errors__sizes_are_checked_before_the_call", errors__sizes_are_checked_before_the_call },
        { "errors__remarks_are_returned", errors__remarks_are_returned },
        { "spans__convert_from_what_holds_an_array", spans__convert_from_what_holds_an_array },
        { "calls__are_those_of_c_f32", calls__are_those_of_c<float> },
        { "calls__are_those_of_c_f64", calls__are_those_of_c<double> },
        { "calls__a_loop_of_ones_own_trains_f32", calls__a_loop_of_ones_own_trains<float> },
        { "calls__a_loop_of_ones_own_trains_f64", calls__a_loop_of_ones_own_trains<double> },
        { "calls__describe_the_flow", calls__describe_the_flow },
        { "calls__every_optimizer_and_base", calls__every_optimizer_and_base },
        { "calls__every_layer", calls__every_layer },
        { "calls__every_recipe", calls__every_recipe },
        { "data__has_all_parts", data__has_all_parts },
        { "files__give_the_same_bits_back", [&] { files__give_the_same_bits_back(folder); } },
        { "progress__is_a_lambda", progress__is_a_lambda },
        { "progress__what_it_throws_comes_out", progress__what_it_throws_comes_out },
        { "hooks__live_as_long_as_the_context", hooks__live_as_long_as_the_context },
        { "hooks__log_and_what_it_throws", hooks__log_and_what_it_throws },
        { "hooks__parallel_for_runs_the_tasks", hooks__parallel_for_runs_the_tasks },
        { "contexts__cancel", contexts__cancel },
        { "layers__of_ones_own_may_throw", layers__of_ones_own_may_throw },
        { "control__a_failure_is_seen", control__a_failure_is_seen },
    };
    int passed = 0, failed = 0;
    for (const auto &[name, run] : cases) {
        try {
            run();
            passed++;
        } catch (const std::exception &e) {
            std::printf("FAILED: %s: %s\n", name.c_str(), e.what());
            failed++;
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
