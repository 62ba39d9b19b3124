/* SPDX-License-Identifier: MIT
 *
 * nflow.hpp - the library from C++17 and later: owners, exceptions, spans, lambdas
 *
 *   #include <nflow/nflow.hpp>         c++ -std=c++17 program.cpp $(pkg-config --cflags --libs nflow)
 *
 * Inline calls of the C functions and nothing more: what a call computes, its errors, the state that they leave and its threads
 * are documented in the C header of its noun. What is different here:
 *
 *   owners      context, dataset, layer, base, flow, optimizer own one reference and can be moved, not copied; share() gives an
 *               owner of another reference to the same object. A default-constructed owner is empty, and means what NULL means
 *               in C: an empty context is the library's defaults, an empty validation set is none.
 *   errors      a negative status is thrown as nflow::error; a positive one is returned where there is one to be told.
 *   arrays      span<T>, pointer and size; vectors, arrays and std::span convert. The number of rows follows from the size: one
 *               that does not divide is NF_ERR_SHAPE. An empty cond is none. float and double are overloads.
 *   cost        a call that returns a vector allocates it and no more; those named _to write into the caller's memory.
 *   configs     the C structs, zeroed and with their size set: `nflow::realnvp_config shape; shape.dim = 2;`
 *   callbacks   what one throws is kept, and thrown again when the C call is back. See hooks for those that must not throw.
 *   const       a const method is shared-read, any other exclusive, as in C; share() does not change that: two exclusive calls
 *               at once on one object are NF_ERR_BUSY.
 *
 * Everything here since 0.1
 */
#ifndef NFLOW_NFLOW_HPP
#define NFLOW_NFLOW_HPP

#include <nflow/layer_type.h>
#include <nflow/nflow.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace nflow {

/** A negative status: code() is its number, name() its name, what() the line that says function, argument, value and limit. */
class error : public std::runtime_error {
public:
    explicit error(nf_status code) : std::runtime_error(nf_last_error()), code_(code) {}
    error(nf_status code, const std::string &line) : std::runtime_error(line), code_(code) {}
    nf_status code() const noexcept { return code_; }
    const char *name() const noexcept { return nf_status_name(code_); }

private:
    nf_status code_;
};

/** A borrowed array: std::span's essentials, for C++17. */
template <class T> class span {
public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <class C, class E = std::remove_pointer_t<decltype(std::data(std::declval<C &>()))>,
              class = std::enable_if_t<std::is_convertible_v<E (*)[], T (*)[]>>>
    constexpr span(C &&container) : data_(std::data(container)), size_(std::size(container))
    {
    }
    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T &operator[](std::size_t i) const { return data_[i]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** A config or report of C with every field zero, which means its default, and struct_size set. */
template <class C> struct sized : C {
    sized() noexcept : C{} { this->struct_size = static_cast<std::uint32_t>(sizeof(C)); }
    sized(const C &c) noexcept : C(c) {}
};
using actnorm_config = sized<nf_actnorm_config>;
using adam_config = sized<nf_adam_config>;
using affine_config = sized<nf_affine_config>;
using autoregressive_config = sized<nf_autoregressive_config>;
using base_box_config = sized<nf_base_box_config>;
using base_diagonal_config = sized<nf_base_diagonal_config>;
using base_laplace_config = sized<nf_base_laplace_config>;
using base_logistic_config = sized<nf_base_logistic_config>;
using base_mixture_config = sized<nf_base_mixture_config>;
using base_normal_conditional_config = sized<nf_base_normal_conditional_config>;
using base_normal_config = sized<nf_base_normal_config>;
using base_normal_full_config = sized<nf_base_normal_full_config>;
using base_student_config = sized<nf_base_student_config>;
using base_uniform_config = sized<nf_base_uniform_config>;
using cnf_config = sized<nf_cnf_config>;
using columns_config = sized<nf_columns_config>;
using context_config = sized<nf_context_config>;
using coupling_affine_config = sized<nf_coupling_affine_config>;
using coupling_conv_config = sized<nf_coupling_conv_config>;
using coupling_spline_config = sized<nf_coupling_spline_config>;
using dequantise_config = sized<nf_dequantise_config>;
using ffjord_config = sized<nf_ffjord_config>;
using fit_config = sized<nf_fit_config>;
using flow_config = sized<nf_flow_config>;
using glow_config = sized<nf_glow_config>;
using householder_config = sized<nf_householder_config>;
using invconv_config = sized<nf_invconv_config>;
using linear_config = sized<nf_linear_config>;
using logit_config = sized<nf_logit_config>;
using permutation_config = sized<nf_permutation_config>;
using planar_config = sized<nf_planar_config>;
using radial_config = sized<nf_radial_config>;
using read_config = sized<nf_read_config>;
using realnvp_config = sized<nf_realnvp_config>;
using realnvp_image_config = sized<nf_realnvp_image_config>;
using sgd_config = sized<nf_sgd_config>;
using split_config = sized<nf_split_config>;
using squeeze_config = sized<nf_squeeze_config>;
using table_config = sized<nf_table_config>;
using standardise_config = sized<nf_standardise_config>;
using sylvester_config = sized<nf_sylvester_config>;
using target_config = sized<nf_target_config>;
using check_report = sized<nf_check_report>;
using column_report = sized<nf_column_report>;
using fit_report = sized<nf_fit_report>;
using flow_info_report = sized<nf_flow_info_report>;
using importance_report = sized<nf_importance_report>;
using param_view = sized<nf_param_view>;
using solver_report = sized<nf_solver_report>;
using step_memory_report = sized<nf_step_memory_report>;
using target_report = sized<nf_target_report>;

struct image_shape {
    std::int64_t height = 0, width = 0, channels = 0;
};

namespace detail {

/* What a callback threw on this thread, until the C call that it was called from is back. */
inline std::exception_ptr &thrown() noexcept
{
    static thread_local std::exception_ptr kept;
    return kept;
}

} // namespace detail

/** Ends every call: throws what a callback threw, else a negative status as nflow::error; gives a positive one back. For calls of
 * C that are your own, too. */
inline nf_status check(nf_status status)
{
    if (detail::thrown()) std::rethrow_exception(std::exchange(detail::thrown(), nullptr));
    if (status < 0) throw error(status);
    return status;
}

/** Owner of one reference to an object of C. */
template <class Self, class Handle, Handle *(*ref)(Handle *), void (*unref)(Handle *)> class owner {
public:
    using handle_type = Handle;

    owner() noexcept = default;
    explicit owner(Handle *taken) noexcept : handle_(taken) {} /* takes the reference over */
    owner(owner &&other) noexcept : handle_(other.release()) {}
    owner &operator=(owner &&other) noexcept
    {
        Handle *const taken = other.release();
        unref(std::exchange(handle_, taken));
        return *this;
    }
    ~owner() { unref(handle_); }

    Handle *get() const noexcept { return handle_; }
    Handle *release() noexcept { return std::exchange(handle_, nullptr); } /* the caller has the reference now */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    Self share() const noexcept { return Self(ref(handle_)); } /* another reference to the same object */

private:
    Handle *handle_ = nullptr;
};

namespace detail {

/* The object that a constructor of C made, owned before anything can throw. */
template <class Owner, class Create, class... Args> Owner make(Create create, Args... args)
{
    typename Owner::handle_type *out = nullptr;
    const nf_status status = create(&out, args...);
    Owner made(out);
    check(status);
    return made;
}

inline std::string counted(const char *what, std::size_t size, const char *unit, std::int64_t against)
{
    return std::string(what) + " has " + std::to_string(size) + " elements, " + unit + " " + std::to_string(against);
}

/* Rows in `size` elements. A dim of 0 is that of an empty owner: the C call will say so. */
inline std::int64_t rows_of(std::size_t size, std::int64_t dim, const char *what)
{
    const auto count = static_cast<std::int64_t>(size);
    if (dim < 1) return count;
    if (count % dim != 0) throw error(NF_ERR_SHAPE, counted(what, size, "not a multiple of dim", dim));
    return count / dim;
}

/* A pointer to n rows of `width` elements, or NULL where the array is empty. */
template <class T> T *pointer_to(span<T> array, std::int64_t n, std::int64_t width, const char *what)
{
    if (array.empty()) return nullptr;
    if (width > 0 && rows_of(array.size(), width, what) != n)
        throw error(NF_ERR_SHAPE, counted(what, array.size(), "rows are", n));
    return array.data();
}

/* The functions of C of each precision. */
template <class Real> struct calls;
template <> struct calls<float> {
    static constexpr auto from_array = &nf_dataset_from_array;
    static constexpr auto set_cond = &nf_dataset_set_cond;
    static constexpr auto copy = &nf_dataset_copy;
    static constexpr auto log_prob = &nf_flow_log_prob;
    static constexpr auto sample = &nf_flow_sample;
    static constexpr auto forward = &nf_flow_forward;
    static constexpr auto inverse = &nf_flow_inverse;
    static constexpr auto score = &nf_flow_score;
    static constexpr auto nll_grad = &nf_flow_nll_grad_weighted;
    static constexpr auto params = &nf_flow_params;
    static constexpr auto init_data = &nf_flow_init_data;
    static constexpr auto check = &nf_flow_check;
    static constexpr auto solver_report = &nf_flow_solver_report;
    static constexpr auto interpolate = &nf_flow_interpolate;
    static constexpr auto direction = &nf_flow_direction;
    static constexpr auto move = &nf_flow_move;
    static constexpr auto sample_temperatures = &nf_flow_sample_temperatures;
};
template <> struct calls<double> {
    static constexpr auto from_array = &nf_dataset_from_array_f64;
    static constexpr auto set_cond = &nf_dataset_set_cond_f64;
    static constexpr auto copy = &nf_dataset_copy_f64;
    static constexpr auto log_prob = &nf_flow_log_prob_f64;
    static constexpr auto sample = &nf_flow_sample_f64;
    static constexpr auto forward = &nf_flow_forward_f64;
    static constexpr auto inverse = &nf_flow_inverse_f64;
    static constexpr auto score = &nf_flow_score_f64;
    static constexpr auto nll_grad = &nf_flow_nll_grad_weighted_f64;
    static constexpr auto params = &nf_flow_params_f64;
    static constexpr auto init_data = &nf_flow_init_data_f64;
    static constexpr auto check = &nf_flow_check_f64;
    static constexpr auto solver_report = &nf_flow_solver_report_f64;
    static constexpr auto interpolate = &nf_flow_interpolate_f64;
    static constexpr auto direction = &nf_flow_direction_f64;
    static constexpr auto move = &nf_flow_move_f64;
    static constexpr auto sample_temperatures = &nf_flow_sample_temperatures_f64;
};

} // namespace detail

/** One piece of parallel work: call it once for every i in [0, n). */
struct task {
    nf_task_fn run;
    void *arg;
    void operator()(std::int64_t i) const { run(arg, i); }
};

/** Callbacks of a context, kept until its last reference is gone; those left empty are the library's own. See nflow/context.h.
 *   log           what it throws comes out of the call that logged
 *   alloc         an exception counts as nullptr, that is NF_ERR_MEMORY; set with free
 *   free          must not throw
 *   parallel_for  must not throw, for the work is not done then: std::terminate */
struct hooks {
    std::function<void(std::int32_t level, const char *line)> log;
    std::function<void *(std::int64_t size, std::int64_t alignment)> alloc;
    std::function<void(void *pointer, std::int64_t size)> free;
    std::function<void(std::int64_t n, task work)> parallel_for;
};

namespace detail {

inline void hooks_log(void *user, std::int32_t level, const char *line) noexcept
{
    try {
        static_cast<hooks *>(user)->log(level, line);
    } catch (...) {
        if (!thrown()) thrown() = std::current_exception();
    }
}
inline void *hooks_alloc(void *user, std::int64_t size, std::int64_t alignment) noexcept
{
    try {
        return static_cast<hooks *>(user)->alloc(size, alignment);
    } catch (...) {
        return nullptr;
    }
}
inline void hooks_free(void *user, void *pointer, std::int64_t size) noexcept { static_cast<hooks *>(user)->free(pointer, size); }
inline void hooks_parallel_for(void *user, std::int64_t n, nf_task_fn run, void *arg) noexcept
{
    static_cast<hooks *>(user)->parallel_for(n, task{ run, arg });
}
inline void hooks_released(void *user) noexcept { delete static_cast<hooks *>(user); }

} // namespace detail

/** The environment of other objects: nflow/context.h. Empty: the defaults. */
class context : public owner<context, nf_context, nf_context_ref, nf_context_unref> {
public:
    using owner::owner;
    explicit context(const context_config &config)
        : context(detail::make<context>(nf_context_create, static_cast<const nf_context_config *>(&config)))
    {
    }
    context(const context_config &config, hooks callbacks) : context(make_with(config, std::move(callbacks))) {}

    void cancel() const noexcept { nf_context_cancel(get()); } /* any thread, signal handlers */
    void resume() const noexcept { nf_context_resume(get()); }
    std::int32_t threads() const noexcept { return nf_context_threads(get()); }
    const char *isa() const noexcept { return nf_context_isa(get()); }
    const char *backend() const noexcept { return nf_context_backend(get()); }
    /* The table outlives the context. */
    void register_layer(const nf_layer_type &type) { check(nf_context_register_layer(get(), &type)); }

private:
    static context make_with(context_config config, hooks callbacks)
    {
        auto kept = std::make_unique<hooks>(std::move(callbacks));
        if (kept->log) config.log = detail::hooks_log, config.log_user = kept.get();
        if (kept->alloc) config.alloc = detail::hooks_alloc, config.alloc_user = kept.get();
        if (kept->free) config.free = detail::hooks_free, config.alloc_user = kept.get();
        if (kept->parallel_for) config.parallel_for = detail::hooks_parallel_for, config.parallel_user = kept.get();
        config.released = detail::hooks_released;
        config.released_user = kept.get();
        nf_context *out = nullptr;
        const nf_status status = nf_context_create(&out, &config);
        context made(out);
        if (made) static_cast<void>(kept.release()); /* the context's now */
        check(status);
        return made;
    }
};

class layer;

/** Rows of features, with conditioning columns and weights: nflow/dataset.h. */
class dataset : public owner<dataset, nf_dataset, nf_dataset_ref, nf_dataset_unref> {
public:
    using owner::owner;
    /* x [n][dim], copied */
    dataset(span<const float> x, std::int64_t dim, const context &c = {}) : dataset(from<float>(x, dim, c)) {}
    dataset(span<const double> x, std::int64_t dim, const context &c = {}) : dataset(from<double>(x, dim, c)) {}
    static dataset load(const std::string &path, const read_config &config = {}, const context &c = {})
    {
        return detail::make<dataset>(nf_dataset_load, c.get(), path.c_str(), &config);
    }
    static dataset load_memory(const void *bytes, std::size_t size, const read_config &config = {}, const context &c = {})
    {
        return detail::make<dataset>(nf_dataset_load_memory, c.get(), bytes, static_cast<std::int64_t>(size), &config);
    }
    /* noise: negative is the density's own */
    static dataset synthetic(const std::string &name, std::int64_t n, double noise = -1.0, std::uint64_t seed = 0,
                             const context &c = {})
    {
        return detail::make<dataset>(nf_dataset_synthetic, c.get(), name.c_str(), n, noise, seed);
    }
    static double synthetic_entropy(const std::string &name, double noise = -1.0)
    {
        return nf_dataset_synthetic_entropy(name.c_str(), noise);
    }

    std::int64_t rows() const noexcept { return nf_dataset_rows(get()); }
    std::int64_t dim() const noexcept { return nf_dataset_dim(get()); }
    std::int64_t cond_dim() const noexcept { return nf_dataset_cond_dim(get()); }
    const char *column_name(std::int64_t column) const noexcept { return nf_dataset_column_name(get(), column); }

    /* cond [rows][cond_dim], weights [rows]; empty removes */
    void set_cond(span<const float> cond) { set_cond_of(cond); }
    void set_cond(span<const double> cond) { set_cond_of(cond); }
    void set_weights(span<const double> weights)
    {
        check(nf_dataset_set_weights(get(), detail::pointer_to(weights, rows(), 1, "weights")));
    }
    nflow::image_shape image_shape() const
    {
        nflow::image_shape shape;
        check(nf_dataset_image_shape(get(), &shape.height, &shape.width, &shape.channels));
        return shape;
    }
    void set_image_shape(nflow::image_shape s) { check(nf_dataset_set_image_shape(get(), s.height, s.width, s.channels)); }

    /* round(fraction * rows) rows, and the others; seed UINT64_MAX: in file order */
    std::pair<dataset, dataset> split(double fraction, std::uint64_t seed) const
    {
        nf_dataset *first = nullptr, *second = nullptr;
        const nf_status status = nf_dataset_split(get(), fraction, seed, &first, &second);
        std::pair<dataset, dataset> parts(first, second);
        check(status);
        return parts;
    }
    /* Copies rows from `first` on, as many as x [n][dim] holds; cond [n][cond_dim] may be empty. */
    void copy_to(std::int64_t first, span<float> x, span<float> cond = {}) const { copy_to_of(first, x, cond); }
    void copy_to(std::int64_t first, span<double> x, span<double> cond = {}) const { copy_to_of(first, x, cond); }
    template <class Real = float> std::vector<Real> copy() const /* all features */
    {
        std::vector<Real> x(static_cast<std::size_t>(rows() * dim()));
        copy_to(0, x);
        return x;
    }
    column_report check_column(std::int64_t column) const
    {
        column_report report;
        check(nf_dataset_check(get(), column, &report));
        return report;
    }
    layer standardise(bool robust = false, const context &c = {}) const; /* a layer of the columns' mean and sd */

private:
    template <class Real> static dataset from(span<const Real> x, std::int64_t dim, const context &c)
    {
        return detail::make<dataset>(detail::calls<Real>::from_array, c.get(), detail::rows_of(x.size(), dim, "x"), dim,
                                     x.data());
    }
    template <class Real> void set_cond_of(span<const Real> cond)
    {
        const std::int64_t n = rows();
        const std::int64_t width = n > 0 ? static_cast<std::int64_t>(cond.size()) / n : 0;
        check(detail::calls<Real>::set_cond(get(), width, detail::pointer_to(cond, n, width, "cond")));
    }
    template <class Real> void copy_to_of(std::int64_t first, span<Real> x, span<Real> cond) const
    {
        const std::int64_t n = detail::rows_of(x.size(), dim(), "x");
        check(detail::calls<Real>::copy(get(), first, n, x.data(), detail::pointer_to(cond, n, cond_dim(), "cond")));
    }
};

/** A bijection: nflow/layer.h. Each config makes its layer. */
class layer : public owner<layer, nf_layer, nf_layer_ref, nf_layer_unref> {
public:
    using owner::owner;
    explicit layer(const nf_actnorm_config &g, const context &c = {}) : layer(make(nf_actnorm_create, g, c)) {}
    explicit layer(const nf_affine_config &g, const context &c = {}) : layer(make(nf_affine_create, g, c)) {}
    explicit layer(const nf_autoregressive_config &g, const context &c = {}) : layer(make(nf_autoregressive_create, g, c)) {}
    explicit layer(const nf_cnf_config &g, const context &c = {}) : layer(make(nf_cnf_create, g, c)) {}
    explicit layer(const nf_columns_config &g, const context &c = {}) : layer(make(nf_columns_create, g, c)) {}
    explicit layer(const nf_coupling_affine_config &g, const context &c = {}) : layer(make(nf_coupling_affine_create, g, c)) {}
    explicit layer(const nf_coupling_conv_config &g, const context &c = {}) : layer(make(nf_coupling_conv_create, g, c)) {}
    explicit layer(const nf_coupling_spline_config &g, const context &c = {}) : layer(make(nf_coupling_spline_create, g, c)) {}
    explicit layer(const nf_dequantise_config &g, const context &c = {}) : layer(make(nf_dequantise_create, g, c)) {}
    explicit layer(const nf_invconv_config &g, const context &c = {}) : layer(make(nf_invconv_create, g, c)) {}
    explicit layer(const nf_householder_config &g, const context &c = {}) : layer(make(nf_householder_create, g, c)) {}
    explicit layer(const nf_planar_config &g, const context &c = {}) : layer(make(nf_planar_create, g, c)) {}
    explicit layer(const nf_radial_config &g, const context &c = {}) : layer(make(nf_radial_create, g, c)) {}
    explicit layer(const nf_sylvester_config &g, const context &c = {}) : layer(make(nf_sylvester_create, g, c)) {}
    explicit layer(const nf_linear_config &g, const context &c = {}) : layer(make(nf_linear_create, g, c)) {}
    explicit layer(const nf_logit_config &g, const context &c = {}) : layer(make(nf_logit_create, g, c)) {}
    explicit layer(const nf_permutation_config &g, const context &c = {}) : layer(make(nf_permutation_create, g, c)) {}
    explicit layer(const nf_split_config &g, const context &c = {}) : layer(make(nf_split_create, g, c)) {}
    explicit layer(const nf_squeeze_config &g, const context &c = {}) : layer(make(nf_squeeze_create, g, c)) {}
    explicit layer(const nf_standardise_config &g, const context &c = {}) : layer(make(nf_standardise_create, g, c)) {}
    /* By the name of a type, built in or registered, or by a type of your own; config is the struct of that type, or NULL. */
    static layer create(const std::string &type, const void *config, const context &c = {})
    {
        return detail::make<layer>(nf_layer_create, c.get(), type.c_str(), config);
    }
    static layer custom(const nf_layer_type &type, const void *config, const context &c = {})
    {
        return detail::make<layer>(nf_layer_create_custom, c.get(), &type, config);
    }
    std::int64_t dim() const noexcept { return nf_layer_dim(get()); }
    std::int64_t cond_dim() const noexcept { return nf_layer_cond_dim(get()); }
    const char *type_name() const noexcept { return nf_layer_type_name(get()); }

private:
    template <class Create, class Config> static layer make(Create create, const Config &config, const context &c)
    {
        return detail::make<layer>(create, c.get(), &config);
    }
};

inline layer dataset::standardise(bool robust, const context &c) const
{
    return detail::make<layer>(nf_standardise_from_dataset, c.get(), get(), robust ? 1 : 0);
}

/** An operation of a layer type as C may call it: an exception becomes a status and its line. `ops.forward =
 * nflow::operation<my_forward>;` An nflow::error keeps its code, any other is NF_ERR_CALLBACK. */
template <auto f> struct operation_of;
template <class... Args, nf_status (*f)(Args...)> struct operation_of<f> {
    static nf_status call(Args... args) noexcept
    {
        try {
            return f(args...);
        } catch (const error &e) {
            return nf_fail(e.code(), e.what());
        } catch (const std::exception &e) {
            return nf_fail(NF_ERR_CALLBACK, e.what());
        } catch (...) {
            return nf_fail(NF_ERR_CALLBACK, "an exception of no standard type");
        }
    }
};
template <auto f> inline constexpr auto operation = &operation_of<f>::call;

/** The distribution of the latent: nflow/base.h. */
class base : public owner<base, nf_base, nf_base_ref, nf_base_unref> {
public:
    using owner::owner;
    static base normal(std::int64_t dim, const context &c = {})
    {
        return detail::make<base>(nf_base_normal_create, c.get(), dim);
    }
    static base diagonal(std::int64_t dim, const context &c = {})
    {
        return detail::make<base>(nf_base_diagonal_create, c.get(), dim);
    }
    static base uniform(std::int64_t dim, double low, double high, const context &c = {})
    {
        return detail::make<base>(nf_base_uniform_create, c.get(), dim, low, high);
    }
    static base box(const base_box_config &config, const context &c = {})
    {
        return detail::make<base>(nf_base_box_create, c.get(), &config);
    }
    static base normal_full(const base_normal_full_config &config, const context &c = {})
    {
        return detail::make<base>(nf_base_normal_full_create, c.get(), &config);
    }
    static base mixture(const base_mixture_config &config, const context &c = {})
    {
        return detail::make<base>(nf_base_mixture_create, c.get(), &config);
    }
    static base student(const base_student_config &config, const context &c = {})
    {
        return detail::make<base>(nf_base_student_create, c.get(), &config);
    }
    static base laplace(std::int64_t dim, const context &c = {})
    {
        return detail::make<base>(nf_base_laplace_create, c.get(), dim);
    }
    static base logistic(std::int64_t dim, const context &c = {})
    {
        return detail::make<base>(nf_base_logistic_create, c.get(), dim);
    }
    static base normal_conditional(const base_normal_conditional_config &config, const context &c = {})
    {
        return detail::make<base>(nf_base_normal_conditional_create, c.get(), &config);
    }
    static base create(const std::string &type, const void *config, const context &c = {}) /* config: the struct of that type */
    {
        return detail::make<base>(nf_base_create, c.get(), type.c_str(), config);
    }
    std::int64_t dim() const noexcept { return nf_base_dim(get()); }
    std::int64_t cond_dim() const noexcept { return nf_base_cond_dim(get()); }
    const char *type_name() const noexcept { return nf_base_type_name(get()); }
};

class flow;

/** An update rule: nflow/optimizer.h. */
class optimizer : public owner<optimizer, nf_optimizer, nf_optimizer_ref, nf_optimizer_unref> {
public:
    using owner::owner;
    static optimizer adam(const adam_config &g = {}, const context &c = {})
    {
        return detail::make<optimizer>(nf_optimizer_adam_create, c.get(), &g);
    }
    static optimizer adamw(const adam_config &g = {}, const context &c = {})
    {
        return detail::make<optimizer>(nf_optimizer_adamw_create, c.get(), &g);
    }
    static optimizer adamax(const adam_config &g = {}, const context &c = {})
    {
        return detail::make<optimizer>(nf_optimizer_adamax_create, c.get(), &g);
    }
    static optimizer sgd(const sgd_config &g = {}, const context &c = {})
    {
        return detail::make<optimizer>(nf_optimizer_sgd_create, c.get(), &g);
    }
    static optimizer create(const std::string &type, const void *config, const context &c = {})
    {
        return detail::make<optimizer>(nf_optimizer_create, c.get(), type.c_str(), config);
    }
    void step(flow &model);
    double step_clipped(flow &model, double max_norm); /* the norm before clipping */
    double lr() const noexcept { return nf_optimizer_lr(get()); }
    void set_lr(double lr) { check(nf_optimizer_set_lr(get(), lr)); }
    std::int64_t steps() const noexcept { return nf_optimizer_steps(get()); }
    void reset() { check(nf_optimizer_reset(get())); }
    const char *type_name() const noexcept { return nf_optimizer_type_name(get()); }
};

/** Which samples of the endless sequence: nf_flow_sample. */
struct draw {
    std::uint64_t seed = 0;
    std::int64_t first = 0;
    double temperature = 1.0;
};

/** The parameter and the gradient block, alive as long as the flow. */
template <class Real> struct blocks {
    span<Real> theta, grad;
};

namespace detail {

/* The calls of a flow on rows of one precision. */
template <class Self, class Real> class row_calls {
    using in = span<const Real>;
    using out = span<Real>;
    using vector = std::vector<Real>;
    using c = calls<Real>;

public:
    /* log p(x) of each row, in nats */
    nf_status log_prob_to(span<double> log_prob, in x, in cond = {}) const
    {
        const std::int64_t n = rows(x);
        return check(c::log_prob(self(), n, x.data(), conds(cond, n), values(log_prob, n, "log_prob")));
    }
    std::vector<double> log_prob(in x, in cond = {}) const
    {
        std::vector<double> result(count(rows(x)));
        log_prob_to(result, x, cond);
        return result;
    }
    /* As many samples as x [n][dim] holds; log_prob [n] may be empty. */
    nf_status sample_to(out x, draw which = {}, in cond = {}, span<double> log_prob = {}) const
    {
        const std::int64_t n = rows(in(x));
        return check(c::sample(self(), which.seed, which.first, n, conds(cond, n), which.temperature, x.data(),
                               pointer_to(log_prob, n, 1, "log_prob")));
    }
    /* z = f(x) and x = f^-1(z); log_det [n] may be empty */
    nf_status forward_to(out z, in x, in cond = {}, span<double> log_det = {}) const
    {
        const std::int64_t n = rows(x);
        return check(c::forward(self(), n, x.data(), conds(cond, n), like(z, x, "z"), pointer_to(log_det, n, 1, "log_det")));
    }
    nf_status inverse_to(out x, in z, in cond = {}, span<double> log_det = {}) const
    {
        const std::int64_t n = rows(z);
        return check(c::inverse(self(), n, z.data(), conds(cond, n), like(x, z, "x"), pointer_to(log_det, n, 1, "log_det")));
    }
    vector forward(in x, in cond = {}) const
    {
        return filled(x, [&](vector &z) { forward_to(z, x, cond); });
    }
    vector inverse(in z, in cond = {}) const
    {
        return filled(z, [&](vector &x) { inverse_to(x, z, cond); });
    }
    /* d log p(x) / dx */
    nf_status score_to(out grad_x, in x, in cond = {}, span<double> log_prob = {}) const
    {
        const std::int64_t n = rows(x);
        return check(
            c::score(self(), n, x.data(), conds(cond, n), pointer_to(log_prob, n, 1, "log_prob"), like(grad_x, x, "grad_x")));
    }
    vector score(in x, in cond = {}) const
    {
        return filled(x, [&](vector &grad_x) { score_to(grad_x, x, cond); });
    }

    /* Mean negative log-likelihood; its gradient is added to the gradient block. Weights [n], empty: all 1. Exclusive. */
    double nll_grad(in x, in cond = {}, span<const double> weights = {})
    {
        const std::int64_t n = rows(x);
        double mean_nll = 0.0;
        check(c::nll_grad(self(), n, x.data(), conds(cond, n), pointer_to(weights, n, 1, "weights"), &mean_nll));
        return mean_nll;
    }
    void init_data(in x, in cond = {}) /* exclusive */
    {
        const std::int64_t n = rows(x);
        check(c::init_data(self(), n, x.data(), conds(cond, n)));
    }
    check_report check_rows(in x, in cond = {}) const
    {
        check_report report;
        const std::int64_t n = rows(x);
        check(c::check(self(), n, x.data(), conds(cond, n), &report));
        return report;
    }
    solver_report solver(in x, in cond = {}) const
    {
        solver_report report;
        const std::int64_t n = rows(x);
        check(c::solver_report(self(), n, x.data(), conds(cond, n), &report));
        return report;
    }

    /* Latent space, nflow/latent.h: [steps][dim] between two rows; the direction [dim] of an attribute; rows moved along it. */
    vector interpolate(in x0, in x1, std::int64_t steps, std::int32_t path = NF_PATH_LINEAR, in cond = {}) const
    {
        vector x(count(steps > 0 ? steps : 0) * x0.size());
        one_row(x0, "x0"), one_row(x1, "x1");
        check(c::interpolate(self(), path, steps, x0.data(), x1.data(), conds(cond, steps), x.data()));
        return x;
    }
    vector direction(in x_with, in x_without, in cond_with = {}, in cond_without = {}) const
    {
        vector result(count(nf_flow_dim(self())));
        const std::int64_t n = rows(x_with), m = rows(x_without);
        check(c::direction(self(), n, x_with.data(), conds(cond_with, n), m, x_without.data(), conds(cond_without, m),
                           result.data()));
        return result;
    }
    vector move(in x, in along, double amount, in cond = {}) const
    {
        one_row(along, "along");
        const std::int64_t n = rows(x);
        return filled(x, [&](vector &y) { check(c::move(self(), n, x.data(), conds(cond, n), along.data(), amount, y.data())); });
    }
    /* x [temperatures][n][dim], n as many as it holds; which.temperature does not count */
    nf_status sample_temperatures_to(out x, span<const double> temperatures, draw which = {}, in cond = {}) const
    {
        const auto blocks = static_cast<std::int64_t>(temperatures.size());
        const std::int64_t n = blocks > 0 ? rows_of(x.size(), blocks * nf_flow_dim(self()), "x") : 0;
        return check(
            c::sample_temperatures(self(), which.seed, which.first, n, conds(cond, n), blocks, temperatures.data(), x.data()));
    }

private:
    nf_flow *self() const { return static_cast<const Self *>(this)->get(); }
    static std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }
    std::int64_t rows(in x) const { return rows_of(x.size(), nf_flow_dim(self()), "x"); }
    const Real *conds(in cond, std::int64_t n) const { return pointer_to(cond, n, nf_flow_cond_dim(self()), "cond"); }
    static double *values(span<double> array, std::int64_t n, const char *what)
    {
        if (static_cast<std::int64_t>(array.size()) != n) throw error(NF_ERR_SHAPE, counted(what, array.size(), "rows are", n));
        return array.data();
    }
    static Real *like(out array, in other, const char *what)
    {
        if (array.size() != other.size())
            throw error(NF_ERR_SHAPE, counted(what, array.size(), "needed are", static_cast<std::int64_t>(other.size())));
        return array.data();
    }
    void one_row(in row, const char *what) const
    {
        if (static_cast<std::int64_t>(row.size()) != nf_flow_dim(self()))
            throw error(NF_ERR_SHAPE, counted(what, row.size(), "dim is", nf_flow_dim(self())));
    }
    template <class F> static vector filled(in like, F fill)
    {
        vector result(like.size());
        fill(result);
        return result;
    }
};

/* A callable as a progress callback: true stops, an exception too. */
template <class F> std::int32_t call_progress(void *user, const nf_fit_progress *progress) noexcept
{
    try {
        if constexpr (std::is_void_v<std::invoke_result_t<F &, const nf_fit_progress &>>) {
            (*static_cast<F *>(user))(*progress);
            return 0;
        } else {
            return (*static_cast<F *>(user))(*progress) ? 1 : 0;
        }
    } catch (...) {
        thrown() = std::current_exception();
        return 1;
    }
}

} // namespace detail

/** A normalizing flow: nflow/flow.h, and nflow/latent.h, train.h, model.h, continuous.h for what takes one. */
class flow : public owner<flow, nf_flow, nf_flow_ref, nf_flow_unref>,
             public detail::row_calls<flow, float>,
             public detail::row_calls<flow, double> {
    using single_calls = detail::row_calls<flow, float>;
    using double_calls = detail::row_calls<flow, double>;

public:
    using owner::owner;
    /* Recipes, and a chain of layers over a base, layers[0] next to the data. */
    explicit flow(const nf_realnvp_config &g, const context &c = {}) : flow(make(nf_flow_create_realnvp, g, c)) {}
    explicit flow(const nf_realnvp_image_config &g, const context &c = {}) : flow(make(nf_flow_create_realnvp_image, g, c)) {}
    /* The recipes for tables share a config, so they go by name. */
    static flow nsf(const nf_table_config &g, const context &c = {}) { return flow(make(nf_flow_create_nsf, g, c)); }
    static flow maf(const nf_table_config &g, const context &c = {}) { return flow(make(nf_flow_create_maf, g, c)); }
    static flow iaf(const nf_table_config &g, const context &c = {}) { return flow(make(nf_flow_create_iaf, g, c)); }
    static flow nice(const nf_table_config &g, const context &c = {}) { return flow(make(nf_flow_create_nice, g, c)); }
    explicit flow(const nf_glow_config &g, const context &c = {}) : flow(make(nf_flow_create_glow, g, c)) {}
    explicit flow(const nf_ffjord_config &g, const context &c = {}) : flow(make(nf_flow_create_ffjord, g, c)) {}
    flow(const base &latent, span<const layer> layers, const flow_config &g = {}, const context &c = {})
        : flow(chain(latent, layers, g, c))
    {
    }
    /* Files: nflow/model.h */
    static flow load(const std::string &path, const context &c = {})
    {
        return detail::make<flow>(nf_flow_load, c.get(), path.c_str());
    }
    static flow load_memory(const void *bytes, std::size_t size, const context &c = {})
    {
        return detail::make<flow>(nf_flow_load_memory, c.get(), bytes, static_cast<std::int64_t>(size));
    }
    static flow from_json(const std::string &text, const context &c = {})
    {
        return detail::make<flow>(nf_flow_from_json, c.get(), text.c_str());
    }
    /* The largest error of the file's self-test rows. */
    static double verify(const std::string &path, const context &c = {})
    {
        double max_error = 0.0;
        check(nf_flow_verify(c.get(), path.c_str(), &max_error, nullptr));
        return max_error;
    }
    void save(const std::string &path) const { check(nf_flow_save(get(), path.c_str())); }
    std::vector<unsigned char> save_memory() const
    {
        std::int64_t size = 0;
        check(nf_flow_save_memory(get(), nullptr, 0, &size));
        std::vector<unsigned char> bytes(static_cast<std::size_t>(size));
        check(nf_flow_save_memory(get(), bytes.data(), size, &size));
        return bytes;
    }
    std::string to_json() const
    {
        std::int64_t size = 0;
        check(nf_flow_to_json(get(), nullptr, 0, &size));
        std::string text(static_cast<std::size_t>(size), '\0');
        check(nf_flow_to_json(get(), &text[0], size, &size));
        text.pop_back(); /* the NUL */
        return text;
    }

    std::int64_t dim() const noexcept { return nf_flow_dim(get()); }
    std::int64_t cond_dim() const noexcept { return nf_flow_cond_dim(get()); }
    std::int32_t dtype() const noexcept { return nf_flow_dtype(get()); }
    std::int64_t layers() const noexcept { return nf_flow_layers(get()); }
    /* Empty past the last. */
    layer layer_at(std::int64_t i) const noexcept { return layer(nf_layer_ref(nf_flow_layer(get(), i))); }
    base latent() const noexcept { return base(nf_base_ref(nf_flow_base(get()))); }
    std::int64_t param_count() const noexcept { return nf_flow_param_count(get()); }
    flow_info_report info() const
    {
        flow_info_report report;
        check(nf_flow_info(get(), &report));
        return report;
    }
    step_memory_report step_memory(std::int64_t n) const
    {
        step_memory_report report;
        check(nf_flow_step_memory(get(), n, &report));
        return report;
    }
    nflow::image_shape image_shape() const
    {
        nflow::image_shape shape;
        check(nf_flow_image_shape(get(), &shape.height, &shape.width, &shape.channels));
        return shape;
    }
    std::vector<param_view> param_views() const
    {
        std::vector<param_view> views;
        for (std::int64_t i = 0;; i++) {
            param_view view;
            const nf_status status = nf_flow_param(get(), i, &view);
            if (status == NF_ERR_ARG) return views; /* past the last */
            check(status);
            views.push_back(view);
        }
    }

    /* Calls on rows, of float and of double: documented at row_calls above. */
    using single_calls::check_rows, double_calls::check_rows;
    using single_calls::direction, double_calls::direction;
    using single_calls::forward, double_calls::forward, single_calls::forward_to, double_calls::forward_to;
    using single_calls::init_data, double_calls::init_data;
    using single_calls::interpolate, double_calls::interpolate;
    using single_calls::inverse, double_calls::inverse, single_calls::inverse_to, double_calls::inverse_to;
    using single_calls::log_prob, double_calls::log_prob, single_calls::log_prob_to, double_calls::log_prob_to;
    using single_calls::move, double_calls::move;
    using single_calls::nll_grad, double_calls::nll_grad;
    using single_calls::sample_temperatures_to, double_calls::sample_temperatures_to;
    using single_calls::sample_to, double_calls::sample_to;
    using single_calls::score, double_calls::score, single_calls::score_to, double_calls::score_to;
    using single_calls::solver, double_calls::solver;
    /* n samples, [n][dim] */
    template <class Real = float> std::vector<Real> sample(std::int64_t n, draw which = {}, span<const Real> cond = {}) const
    {
        if (n < 0) throw error(NF_ERR_SHAPE, "sample: n is " + std::to_string(n) + ", at least 0");
        std::vector<Real> x(static_cast<std::size_t>(n * dim()));
        sample_to(span<Real>(x), which, cond);
        return x;
    }

    /* Parameters. Blocks may be written while no other call on the flow runs; then update(). */
    template <class Real = float> blocks<Real> params()
    {
        Real *theta = nullptr, *grad = nullptr;
        std::int64_t count = 0;
        check(detail::calls<Real>::params(get(), &theta, &grad, &count));
        return { { theta, static_cast<std::size_t>(count) }, { grad, static_cast<std::size_t>(count) } };
    }
    void update() { check(nf_flow_update(get())); }
    void zero_grad() { check(nf_flow_zero_grad(get())); }
    std::vector<double> get_params() const
    {
        std::vector<double> theta(static_cast<std::size_t>(param_count()));
        check(nf_flow_get_params(get(), param_count(), theta.data()));
        return theta;
    }
    void set_params(span<const double> theta)
    {
        check(nf_flow_set_params(get(), static_cast<std::int64_t>(theta.size()), theta.data()));
    }
    /* Work space for calls of up to n rows; with gradient exclusive, const or not. */
    void reserve(std::int64_t n, bool gradient = false) const { check(nf_flow_reserve(get(), n, gradient ? 1 : 0)); }
    flow convert(std::int32_t dtype) const { return detail::make<flow>(nf_flow_convert, get(), dtype); }

    double mean_nll(const dataset &data) const
    {
        double mean = 0.0;
        check(nf_flow_mean_nll(get(), data.get(), &mean));
        return mean;
    }
    /* Fits by maximum likelihood. NF_OK or NF_STOPPED; NF_ERR_DIVERGED is thrown, with the report filled. */
    nf_status fit(optimizer &rule, const dataset &train, const dataset &valid = {}, const fit_config &g = {},
                  nf_fit_report *report = nullptr)
    {
        return check(nf_flow_fit(get(), rule.get(), train.get(), valid.get(), &g, report));
    }
    /* progress(const nf_fit_progress &), called on this thread after each epoch; true stops. What it throws is thrown here, the
     * flow then holding the best parameters so far. */
    template <class F, class = std::enable_if_t<std::is_invocable_v<F &, const nf_fit_progress &>>> nf_status
    fit(optimizer &rule, const dataset &train, const dataset &valid, fit_config g, F &&progress, nf_fit_report *report = nullptr)
    {
        g.progress = detail::call_progress<std::remove_reference_t<F>>;
        g.progress_user = const_cast<void *>(static_cast<const void *>(std::addressof(progress)));
        return fit(rule, train, valid, g, report);
    }

private:
    template <class Create, class Config> static flow make(Create create, const Config &config, const context &c)
    {
        return detail::make<flow>(create, c.get(), &config);
    }
    static flow chain(const base &latent, span<const layer> layers, const flow_config &g, const context &c)
    {
        std::vector<nf_layer *> handles;
        for (const layer &one : layers) handles.push_back(one.get());
        return detail::make<flow>(nf_flow_create, c.get(), &g, latent.get(), handles.data(),
                                  static_cast<std::int64_t>(handles.size()));
    }
};

inline void optimizer::step(flow &model) { check(nf_optimizer_step(get(), model.get())); }
inline double optimizer::step_clipped(flow &model, double max_norm)
{
    double norm = 0.0;
    check(nf_optimizer_step_clipped(get(), model.get(), max_norm, &norm));
    return norm;
}

} // namespace nflow

#endif
