# SPDX-License-Identifier: MIT
#
# Written by bindings/generate.py from include/nflow: do not edit.

const NF_SPLINE_SAFE = Int32(1)
const NF_SPLINE_FREE = Int32(2)
const NF_SPLINE_SOFTCLIP = Int32(3)
const NF_AUTOREGRESSIVE_FORWARD = Int32(1)
const NF_AUTOREGRESSIVE_INVERSE = Int32(2)
const NF_ODE_DOPRI5 = Int32(1)
const NF_ODE_TSIT5 = Int32(2)
const NF_ODE_BOSH3 = Int32(3)
const NF_ODE_RK4 = Int32(4)
const NF_ODE_MIDPOINT = Int32(5)
const NF_ODE_EULER = Int32(6)
const NF_ORDER_ASCENDING = Int32(1)
const NF_ORDER_INDEX = Int32(3)
const NF_ORDER_REVERSED = Int32(2)
const NF_TIME_IGNORE = Int32(1)
const NF_TIME_CONCAT = Int32(2)
const NF_TIME_SQUASH = Int32(3)
const NF_TRACE_AUTO = Int32(1)
const NF_TRACE_EXACT = Int32(2)
const NF_TRACE_HUTCHINSON = Int32(3)
const NF_TRACE_HUTCHINSON_TRAIN = Int32(4)
const NF_PROBE_RADEMACHER = Int32(1)
const NF_PROBE_GAUSSIAN = Int32(2)
const NF_GRADIENT_DISCRETE = Int32(1)
const NF_GRADIENT_ADJOINT = Int32(2)
const NF_FFJORD_TOY = Int32(1)
const NF_FFJORD_TABULAR = Int32(2)
const NF_FFJORD_IMAGES = Int32(3)
const NF_F32 = Int32(1)
const NF_F64 = Int32(2)
const NF_FIELD_I32 = Int32(1)
const NF_FIELD_I64 = Int32(2)
const NF_FIELD_U64 = Int32(3)
const NF_FIELD_F64 = Int32(4)
const NF_FIELD_CHOICE = Int32(5)
const NF_FIELD_FLAG = Int32(6)
const NF_FIELD_STRING = Int32(7)
const NF_FIELD_I64_ARRAY = Int32(8)
const NF_FIELD_F64_ARRAY = Int32(9)
const NF_FIELD_POINTER = Int32(10)
const NF_FIELD_REQUIRED = Int32(1)
const NF_FIELD_INITIAL = Int32(2)
const NF_BACKEND_NATIVE = Int32(1)
const NF_BACKEND_CBLAS = Int32(2)
const NF_ISA_BASELINE = Int32(1)
const NF_ISA_AVX2 = Int32(2)
const NF_ISA_AVX512 = Int32(3)
const NF_ISA_NEON = Int32(4)
const NF_LOG_WARNING = Int32(1)
const NF_LOG_INFO = Int32(2)
const NF_FORMAT_CSV = Int32(1)
const NF_FORMAT_NPY = Int32(2)
const NF_FORMAT_IDX = Int32(3)
const NF_FORMAT_CIFAR10 = Int32(4)
const NF_FORMAT_PNG = Int32(5)
const NF_HEADER_YES = Int32(1)
const NF_HEADER_NO = Int32(2)
const NF_LABEL_ONE_HOT = Int32(1)
const NF_LABEL_NUMBER = Int32(2)
const NF_PRESET_DEFAULT = Int32(1)
const NF_PRESET_BOOK = Int32(2)
const NF_GLOW_AFFINE = Int32(1)
const NF_GLOW_ADDITIVE = Int32(2)
const NF_GLOW_REAL = Int32(17)
const NF_PATH_LINEAR = Int32(1)
const NF_PATH_SPHERICAL = Int32(2)
const NF_ACTIVATION_RELU = Int32(1)
const NF_ACTIVATION_LEAKY_RELU = Int32(2)
const NF_ACTIVATION_TANH = Int32(3)
const NF_ACTIVATION_SOFTPLUS = Int32(4)
const NF_ACTIVATION_SILU = Int32(5)
const NF_ACTIVATION_ELU = Int32(6)
const NF_TRANSFORM_AFFINE = Int32(1)
const NF_TRANSFORM_SPLINE = Int32(2)
const NF_WEIGHTS_GLOROT = Int32(1)
const NF_WEIGHTS_HE = Int32(2)
const NF_WEIGHTS_LECUN = Int32(3)
const NF_WEIGHTS_SPREAD = Int32(4)
const NF_MASK_ALTERNATING = Int32(1)
const NF_MASK_HALF = Int32(2)
const NF_MASK_INDEX = Int32(3)
const NF_SCALE_TANH = Int32(1)
const NF_SCALE_SAFE = Int32(2)
const NF_SCALE_ASYMMETRIC = Int32(3)
const NF_SCALE_SIGMOID = Int32(4)
const NF_SCALE_SIGMOID_EPS = Int32(5)
const NF_SCALE_SOFTPLUS = Int32(6)
const NF_SCALE_SOFTCLIP = Int32(7)
const NF_SCALE_EXP = Int32(8)
const NF_SCALE_ADDITIVE = Int32(9)
const NF_SCALE_SOFTPLUS_EPS = Int32(10)
const NF_IMAGE_MASK_CHANNELS = Int32(1)
const NF_IMAGE_MASK_CHECKERBOARD = Int32(2)
const NF_IMAGE_MASK_ALL = Int32(3)
const NF_CONV_GLOW = Int32(1)
const NF_CONV_RESIDUAL = Int32(2)
const NF_CONV_LINEAR = Int32(3)
const NF_PERMUTATION_INDEX = Int32(1)
const NF_PERMUTATION_RANDOM = Int32(2)
const NF_PERMUTATION_REVERSE = Int32(3)
const NF_LINEAR_PLU = Int32(1)
const NF_LINEAR_PLAIN = Int32(2)
const NF_COLUMN_REAL = Int32(1)
const NF_COLUMN_POSITIVE = Int32(2)
const NF_COLUMN_BOUNDED = Int32(3)
const NF_COLUMN_INTEGER = Int32(4)
const NF_COLUMN_PERIODIC = Int32(5)
const NF_MIX_LINEAR = Int32(1)
const NF_MIX_RANDOM = Int32(2)
const NF_MIX_REVERSE = Int32(3)
const NF_MIX_NONE = Int32(4)
const NF_SQUEEZE_ROWS = Int32(1)
const NF_SQUEEZE_DIAGONAL = Int32(2)
const NF_NOISE_ALWAYS = Int32(1)
const NF_NOISE_TRAINING = Int32(2)
const NF_PARAM_FROZEN = Int32(1)
const NF_PARAM_NO_DECAY = Int32(2)
const NF_PARAM_NO_MATCH = Int32(4)
const NF_OK = Int32(0)
const NF_ROWS_NONFINITE = Int32(1)
const NF_STOPPED = Int32(2)
const NF_ERR_NULL = Int32(-1)
const NF_ERR_ARG = Int32(-2)
const NF_ERR_SHAPE = Int32(-3)
const NF_ERR_OVERFLOW = Int32(-4)
const NF_ERR_ALIAS = Int32(-5)
const NF_ERR_MEMORY = Int32(-6)
const NF_ERR_HANDLE = Int32(-7)
const NF_ERR_CONFIG_SMALL = Int32(-8)
const NF_ERR_CONFIG_OLD = Int32(-9)
const NF_ERR_CONFIG_NEW = Int32(-10)
const NF_ERR_DTYPE = Int32(-11)
const NF_ERR_BUSY = Int32(-12)
const NF_ERR_STATE = Int32(-13)
const NF_ERR_CANCELLED = Int32(-14)
const NF_ERR_CALLBACK = Int32(-15)
const NF_ERR_LIMIT = Int32(-16)
const NF_ERR_IO = Int32(-17)
const NF_ERR_FORMAT = Int32(-18)
const NF_ERR_VERSION = Int32(-19)
const NF_ERR_CORRUPT = Int32(-20)
const NF_ERR_PARSE = Int32(-21)
const NF_ERR_UNKNOWN = Int32(-22)
const NF_ERR_DOMAIN = Int32(-23)
const NF_ERR_NONFINITE = Int32(-24)
const NF_ERR_SINGULAR = Int32(-25)
const NF_ERR_NOT_INVERTIBLE = Int32(-26)
const NF_ERR_DEGENERATE = Int32(-27)
const NF_ERR_DIVERGED = Int32(-28)
const NF_ERR_UNSUPPORTED = Int32(-29)
const NF_ERR_ODE_MAXSTEPS = Int32(-30)
const NF_ERR_ODE_STEP = Int32(-31)
const NF_ERR_ODE_TOL = Int32(-32)
const NF_ERR_ODE_RHS = Int32(-33)
const NF_SCHEDULE_CONSTANT = Int32(1)
const NF_SCHEDULE_COSINE = Int32(2)
const NF_SCHEDULE_STEP = Int32(3)
const NF_SCHEDULE_PLATEAU = Int32(4)
const NF_OBJECTIVE_LIKELIHOOD = Int32(1)
const NF_OBJECTIVE_FLOW_MATCHING = Int32(2)
const NF_PAIRING_STRAIGHT = Int32(1)
const NF_PAIRING_TRANSPORT = Int32(2)
const NF_ESTIMATOR_PATH = Int32(1)
const NF_ESTIMATOR_TOTAL = Int32(2)

mutable struct nf_autoregressive_config
    struct_size::UInt32
    transform::Int32
    dim::Int64
    cond_dim::Int64
    direction::Int32
    order::Int32
    activation::Int32
    weights::Int32
    random_last::Int32
    scale::Int32
    bound::Float64
    bins::Int32
    circular::Int32
    form::Int32
    reserved::Int32
    spline_bound::Float64
    min_width::Float64
    min_height::Float64
    min_slope::Float64
    logit_bound::Float64
    hidden::Ptr{Int64}
    n_hidden::Int64
    index::Ptr{Int64}
    n_index::Int64
    nf_autoregressive_config() = zeroed(new())
end

mutable struct nf_base_normal_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    columns::Ptr{Int64}
    n_columns::Int64
    temperature::Ptr{Float64}
    n_temperature::Int64
    nf_base_normal_config() = zeroed(new())
end

mutable struct nf_base_diagonal_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    nf_base_diagonal_config() = zeroed(new())
end

mutable struct nf_base_uniform_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    low::Float64
    high::Float64
    nf_base_uniform_config() = zeroed(new())
end

mutable struct nf_base_box_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    low::Ptr{Float64}
    n_low::Int64
    high::Ptr{Float64}
    n_high::Int64
    normal::Ptr{Int64}
    n_normal::Int64
    nf_base_box_config() = zeroed(new())
end

mutable struct nf_base_normal_full_config
    struct_size::UInt32
    fixed::Int32
    dim::Int64
    mean::Ptr{Float64}
    n_mean::Int64
    covariance::Ptr{Float64}
    n_covariance::Int64
    nf_base_normal_full_config() = zeroed(new())
end

mutable struct nf_base_mixture_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    components::Int64
    spread::Float64
    nf_base_mixture_config() = zeroed(new())
end

mutable struct nf_base_student_config
    struct_size::UInt32
    fixed::Int32
    dim::Int64
    df::Float64
    df_fixed::Int32
    reserved::Int32
    nf_base_student_config() = zeroed(new())
end

mutable struct nf_base_laplace_config
    struct_size::UInt32
    fixed::Int32
    dim::Int64
    nf_base_laplace_config() = zeroed(new())
end

mutable struct nf_base_logistic_config
    struct_size::UInt32
    fixed::Int32
    dim::Int64
    nf_base_logistic_config() = zeroed(new())
end

mutable struct nf_base_normal_conditional_config
    struct_size::UInt32
    activation::Int32
    dim::Int64
    cond_dim::Int64
    hidden::Ptr{Int64}
    n_hidden::Int64
    bound::Float64
    weights::Int32
    reserved::Int32
    nf_base_normal_conditional_config() = zeroed(new())
end

mutable struct nf_context_config
    struct_size::UInt32
    threads::Int32
    backend::Int32
    isa::Int32
    strict::Int32
    reserved::Int32
    memory_budget::Int64
    max_file_bytes::Int64
    max_layers::Int64
    max_dim::Int64
    max_elements::Int64
    max_solver_steps::Int64
    alloc::Ptr{Cvoid}
    free::Ptr{Cvoid}
    alloc_user::Ptr{Cvoid}
    parallel_for::Ptr{Cvoid}
    parallel_user::Ptr{Cvoid}
    log::Ptr{Cvoid}
    log_user::Ptr{Cvoid}
    released::Ptr{Cvoid}
    released_user::Ptr{Cvoid}
    nf_context_config() = zeroed(new())
end

mutable struct nf_cnf_config
    struct_size::UInt32
    solver::Int32
    dim::Int64
    cond_dim::Int64
    activation::Int32
    time::Int32
    trace::Int32
    probe::Int32
    probes::Int64
    end_time_fixed::Int32
    gradient::Int32
    end_time::Float64
    rtol::Float64
    atol::Float64
    step::Float64
    max_steps::Int64
    kinetic::Float64
    jacobian::Float64
    hidden::Ptr{Int64}
    n_hidden::Int64
    height::Int64
    width::Int64
    channels::Int64
    nf_cnf_config() = zeroed(new())
end

mutable struct nf_ffjord_config
    struct_size::UInt32
    preset::Int32
    dim::Int64
    cond_dim::Int64
    blocks::Int64
    hidden::Ptr{Int64}
    n_hidden::Int64
    activation::Int32
    time::Int32
    solver::Int32
    trace::Int32
    probe::Int32
    end_time_fixed::Int32
    probes::Int64
    max_steps::Int64
    end_time::Float64
    rtol::Float64
    atol::Float64
    step::Float64
    kinetic::Float64
    jacobian::Float64
    dtype::Int32
    gradient::Int32
    seed::UInt64
    mean::Ptr{Float64}
    n_mean::Int64
    sd::Ptr{Float64}
    n_sd::Int64
    height::Int64
    width::Int64
    channels::Int64
    levels::Int64
    bits::Int32
    noise::Int32
    alpha::Float64
    cond_mean::Ptr{Float64}
    n_cond_mean::Int64
    cond_sd::Ptr{Float64}
    n_cond_sd::Int64
    embed_hidden::Ptr{Int64}
    n_embed_hidden::Int64
    embed_dim::Int64
    embed_activation::Int32
    cond_standardise::Int32
    nf_ffjord_config() = zeroed(new())
end

mutable struct nf_solver_report
    struct_size::UInt32
    reserved::Int32
    solves::Int64
    failed::Int64
    accepted_mean::Float64
    rejected_mean::Float64
    evaluations_mean::Float64
    accepted_max::Int64
    rejected_max::Int64
    evaluations_max::Int64
    trace_error_mean::Float64
    trace_error_max::Float64
    trace_error::Ptr{Float64}
    trace_error_capacity::Int64
    nf_solver_report() = zeroed(new())
end

mutable struct nf_coupling_affine_config
    struct_size::UInt32
    mask::Int32
    dim::Int64
    cond_dim::Int64
    swap::Int32
    scale::Int32
    bound::Float64
    separate::Int32
    activation::Int32
    weights::Int32
    random_last::Int32
    shift_first::Int32
    reserved::Int32
    hidden::Ptr{Int64}
    n_hidden::Int64
    index::Ptr{Int64}
    n_index::Int64
    nf_coupling_affine_config() = zeroed(new())
end

mutable struct nf_coupling_spline_config
    struct_size::UInt32
    mask::Int32
    dim::Int64
    cond_dim::Int64
    swap::Int32
    form::Int32
    bins::Int32
    activation::Int32
    bound::Float64
    min_width::Float64
    min_height::Float64
    min_slope::Float64
    logit_bound::Float64
    weights::Int32
    random_last::Int32
    hidden::Ptr{Int64}
    n_hidden::Int64
    index::Ptr{Int64}
    n_index::Int64
    periodic::Ptr{Int64}
    n_periodic::Int64
    nf_coupling_spline_config() = zeroed(new())
end

mutable struct nf_read_config
    struct_size::UInt32
    format::Int32
    header::Int32
    dtype::Int32
    separator::Ptr{UInt8}
    skip_lines::Int64
    columns::Ptr{Int64}
    n_columns::Int64
    cond_columns::Ptr{Int64}
    n_cond_columns::Int64
    drop_columns::Ptr{Int64}
    n_drop_columns::Int64
    labels::Ptr{UInt8}
    label_classes::Int64
    max_rows::Int64
    label_kind::Int32
    reserved::Int32
    nf_read_config() = zeroed(new())
end

mutable struct nf_column_report
    struct_size::UInt32
    is_constant::Int32
    n_nonfinite::Int64
    first_nonfinite::Int64
    n_distinct::Int64
    min::Float64
    max::Float64
    mean::Float64
    sd::Float64
    median::Float64
    mad::Float64
    nf_column_report() = zeroed(new())
end

mutable struct nf_flow_config
    struct_size::UInt32
    dtype::Int32
    seed::UInt64
    cond_dim::Int64
    cond_mean::Ptr{Float64}
    n_cond_mean::Int64
    cond_sd::Ptr{Float64}
    n_cond_sd::Int64
    embed_hidden::Ptr{Int64}
    n_embed_hidden::Int64
    embed_dim::Int64
    embed_activation::Int32
    cond_standardise::Int32
    nf_flow_config() = zeroed(new())
end

mutable struct nf_realnvp_config
    struct_size::UInt32
    preset::Int32
    dim::Int64
    cond_dim::Int64
    layers::Int64
    hidden::Ptr{Int64}
    n_hidden::Int64
    activation::Int32
    mask::Int32
    scale::Int32
    separate::Int32
    actnorm::Int32
    dtype::Int32
    weights::Int32
    reserved::Int32
    bound::Float64
    seed::UInt64
    mean::Ptr{Float64}
    n_mean::Int64
    sd::Ptr{Float64}
    n_sd::Int64
    cond_mean::Ptr{Float64}
    n_cond_mean::Int64
    cond_sd::Ptr{Float64}
    n_cond_sd::Int64
    embed_hidden::Ptr{Int64}
    n_embed_hidden::Int64
    embed_dim::Int64
    embed_activation::Int32
    cond_standardise::Int32
    nf_realnvp_config() = zeroed(new())
end

mutable struct nf_glow_config
    struct_size::UInt32
    coupling::Int32
    height::Int64
    width::Int64
    channels::Int64
    levels::Int64
    steps::Int64
    hidden::Int64
    cond_dim::Int64
    bits::Int32
    noise::Int32
    linear::Int32
    dtype::Int32
    seed::UInt64
    alpha::Float64
    temperature::Ptr{Float64}
    n_temperature::Int64
    scale::Int32
    reserved::Int32
    cond_mean::Ptr{Float64}
    n_cond_mean::Int64
    cond_sd::Ptr{Float64}
    n_cond_sd::Int64
    embed_hidden::Ptr{Int64}
    n_embed_hidden::Int64
    embed_dim::Int64
    embed_activation::Int32
    cond_standardise::Int32
    nf_glow_config() = zeroed(new())
end

mutable struct nf_realnvp_image_config
    struct_size::UInt32
    dtype::Int32
    height::Int64
    width::Int64
    channels::Int64
    levels::Int64
    hidden::Int64
    blocks::Int64
    cond_dim::Int64
    bits::Int32
    noise::Int32
    alpha::Float64
    seed::UInt64
    cond_mean::Ptr{Float64}
    n_cond_mean::Int64
    cond_sd::Ptr{Float64}
    n_cond_sd::Int64
    embed_hidden::Ptr{Int64}
    n_embed_hidden::Int64
    embed_dim::Int64
    embed_activation::Int32
    cond_standardise::Int32
    nf_realnvp_image_config() = zeroed(new())
end

mutable struct nf_param_view
    struct_size::UInt32
    properties::Int32
    name::NTuple{96,UInt8}
    offset::Int64
    count::Int64
    rank::Int32
    reserved::Int32
    shape::NTuple{4,Int64}
    nf_param_view() = zeroed(new())
end

mutable struct nf_flow_info_report
    struct_size::UInt32
    dtype::Int32
    dim::Int64
    cond_dim::Int64
    layers::Int64
    params::Int64
    trainable::Int64
    bytes_params::Int64
    bytes_packed::Int64
    saved_bytes_row::Int64
    gflop_row::Float64
    nf_flow_info_report() = zeroed(new())
end

mutable struct nf_step_memory_report
    struct_size::UInt32
    recompute::Int32
    workers::Int64
    block_rows::Int64
    params::Int64
    gradients::Int64
    inputs::Int64
    hidden::Int64
    scratch::Int64
    total::Int64
    nf_step_memory_report() = zeroed(new())
end

mutable struct nf_check_report
    struct_size::UInt32
    passed::Int32
    round_trip_max::Float64
    round_trip_p99::Float64
    log_det_sum_max::Float64
    log_det_error_max::Float64
    grad_x_error_max::Float64
    grad_theta_error_max::Float64
    worst_layer::Int64
    rows_nonfinite::Int64
    not_invertible::Int32
    reserved::Int32
    nf_check_report() = zeroed(new())
end

mutable struct nf_coupling_conv_config
    struct_size::UInt32
    mask::Int32
    height::Int64
    width::Int64
    channels::Int64
    cond_dim::Int64
    swap::Int32
    scale::Int32
    bound::Float64
    net::Int32
    reserved::Int32
    hidden::Int64
    blocks::Int64
    nf_coupling_conv_config() = zeroed(new())
end

mutable struct nf_split_config
    struct_size::UInt32
    reserved::UInt32
    height::Int64
    width::Int64
    channels::Int64
    keep::Int64
    nf_split_config() = zeroed(new())
end

mutable struct nf_permutation_config
    struct_size::UInt32
    kind::Int32
    dim::Int64
    seed::UInt64
    index::Ptr{Int64}
    n_index::Int64
    nf_permutation_config() = zeroed(new())
end

mutable struct nf_actnorm_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    channels::Int64
    nf_actnorm_config() = zeroed(new())
end

mutable struct nf_affine_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    bound::Float64
    nf_affine_config() = zeroed(new())
end

mutable struct nf_standardise_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    mean::Ptr{Float64}
    n_mean::Int64
    sd::Ptr{Float64}
    n_sd::Int64
    nf_standardise_config() = zeroed(new())
end

mutable struct nf_logit_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    alpha::Float64
    nf_logit_config() = zeroed(new())
end

mutable struct nf_linear_config
    struct_size::UInt32
    form::Int32
    dim::Int64
    nf_linear_config() = zeroed(new())
end

mutable struct nf_householder_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    reflections::Int64
    nf_householder_config() = zeroed(new())
end

mutable struct nf_invconv_config
    struct_size::UInt32
    form::Int32
    height::Int64
    width::Int64
    channels::Int64
    nf_invconv_config() = zeroed(new())
end

mutable struct nf_squeeze_config
    struct_size::UInt32
    order::Int32
    height::Int64
    width::Int64
    channels::Int64
    reverse::Int32
    reserved::Int32
    nf_squeeze_config() = zeroed(new())
end

mutable struct nf_dequantise_config
    struct_size::UInt32
    noise::Int32
    dim::Int64
    bits::Int32
    reserved::Int32
    shift::Float64
    nf_dequantise_config() = zeroed(new())
end

mutable struct nf_columns_config
    struct_size::UInt32
    noise::Int32
    dim::Int64
    kind::Ptr{Int64}
    n_kind::Int64
    low::Ptr{Float64}
    n_low::Int64
    high::Ptr{Float64}
    n_high::Int64
    alpha::Float64
    half_turn::Float64
    nf_columns_config() = zeroed(new())
end

mutable struct nf_adam_config
    struct_size::UInt32
    reserved::UInt32
    lr::Float64
    beta1::Float64
    beta2::Float64
    eps::Float64
    weight_decay::Float64
    nf_adam_config() = zeroed(new())
end

mutable struct nf_sgd_config
    struct_size::UInt32
    nesterov::Int32
    lr::Float64
    momentum::Float64
    weight_decay::Float64
    nf_sgd_config() = zeroed(new())
end

mutable struct nf_planar_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    nf_planar_config() = zeroed(new())
end

mutable struct nf_radial_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    nf_radial_config() = zeroed(new())
end

mutable struct nf_sylvester_config
    struct_size::UInt32
    reserved::UInt32
    dim::Int64
    rank::Int64
    reflections::Int64
    nf_sylvester_config() = zeroed(new())
end

mutable struct nf_table_config
    struct_size::UInt32
    dtype::Int32
    dim::Int64
    cond_dim::Int64
    layers::Int64
    hidden::Ptr{Int64}
    n_hidden::Int64
    activation::Int32
    mix::Int32
    transform::Int32
    bins::Int32
    bound::Float64
    seed::UInt64
    mean::Ptr{Float64}
    n_mean::Int64
    sd::Ptr{Float64}
    n_sd::Int64
    kind::Ptr{Int64}
    n_kind::Int64
    low::Ptr{Float64}
    n_low::Int64
    high::Ptr{Float64}
    n_high::Int64
    alpha::Float64
    noise::Int32
    reserved::Int32
    cond_mean::Ptr{Float64}
    n_cond_mean::Int64
    cond_sd::Ptr{Float64}
    n_cond_sd::Int64
    embed_hidden::Ptr{Int64}
    n_embed_hidden::Int64
    embed_dim::Int64
    embed_activation::Int32
    cond_standardise::Int32
    nf_table_config() = zeroed(new())
end

struct nf_fit_progress
    struct_size::UInt32
    end_of_epoch::Int32
    epoch::Int64
    epochs::Int64
    step::Int64
    steps_per_epoch::Int64
    train_nll::Float64
    valid_nll::Float64
    best_nll::Float64
    lr::Float64
    grad_norm::Float64
    seconds::Float64
    eta_seconds::Float64
    skipped::Int64
    train_bits::Float64
    valid_bits::Float64
    best_bits::Float64
    objective::Int32
    reserved::Int32
end

mutable struct nf_fit_config
    struct_size::UInt32
    schedule::Int32
    epochs::Int64
    batch::Int64
    seed::UInt64
    patience::Int64
    clip_norm::Float64
    l2::Float64
    ema_decay::Float64
    warmup_steps::Int64
    final_lr_factor::Float64
    factor::Float64
    step_epochs::Int64
    plateau_epochs::Int64
    keep_last::Int32
    no_init::Int32
    progress_steps::Int64
    progress::Ptr{Cvoid}
    progress_user::Ptr{Cvoid}
    checkpoint::Ptr{UInt8}
    checkpoint_epochs::Int64
    resume::Ptr{UInt8}
    objective::Int32
    pairing::Int32
    nf_fit_config() = zeroed(new())
end

mutable struct nf_fit_report
    struct_size::UInt32
    stopped::Int32
    epochs::Int64
    steps::Int64
    skipped::Int64
    rollbacks::Int64
    best_epoch::Int64
    train_nll::Float64
    valid_nll::Float64
    seconds::Float64
    curve_train::Ptr{Float64}
    curve_valid::Ptr{Float64}
    curve_capacity::Int64
    curve_count::Int64
    train_bits::Float64
    valid_bits::Float64
    nf_fit_report() = zeroed(new())
end

struct nf_target_progress
    struct_size::UInt32
    reserved::Int32
    step::Int64
    steps::Int64
    loss::Float64
    elbo::Float64
    beta::Float64
    lr::Float64
    grad_norm::Float64
    seconds::Float64
    eta_seconds::Float64
    skipped::Int64
end

mutable struct nf_target_config
    struct_size::UInt32
    estimator::Int32
    steps::Int64
    batch::Int64
    seed::UInt64
    beta_start::Float64
    beta_steps::Int64
    data_weight::Float64
    clip_norm::Float64
    ema_decay::Float64
    schedule::Int32
    no_init::Int32
    warmup_steps::Int64
    final_lr_factor::Float64
    round_steps::Int64
    report_draws::Int64
    progress::Ptr{Cvoid}
    progress_user::Ptr{Cvoid}
    checkpoint::Ptr{UInt8}
    checkpoint_rounds::Int64
    resume::Ptr{UInt8}
    nf_target_config() = zeroed(new())
end

mutable struct nf_importance_report
    struct_size::UInt32
    reserved::Int32
    n::Int64
    elbo::Float64
    elbo_se::Float64
    log_z::Float64
    log_z_se::Float64
    ess::Float64
    pareto_k::Float64
    nf_importance_report() = zeroed(new())
end

mutable struct nf_target_report
    struct_size::UInt32
    stopped::Int32
    steps::Int64
    skipped::Int64
    rollbacks::Int64
    seconds::Float64
    draws::Int64
    elbo::Float64
    elbo_se::Float64
    log_z::Float64
    log_z_se::Float64
    ess::Float64
    pareto_k::Float64
    nf_target_report() = zeroed(new())
end

# Size and offsets, as the headers have them: checked when the module is loaded.
const LAYOUTS = (
    (nf_autoregressive_config, 144, (0, 4, 8, 16, 24, 28, 32, 36, 40, 44, 48, 56, 60, 64, 68, 72, 80, 88, 96, 104, 112, 120, 128, 136,)),
    (nf_base_normal_config, 48, (0, 4, 8, 16, 24, 32, 40,)),
    (nf_base_diagonal_config, 16, (0, 4, 8,)),
    (nf_base_uniform_config, 32, (0, 4, 8, 16, 24,)),
    (nf_base_box_config, 64, (0, 4, 8, 16, 24, 32, 40, 48, 56,)),
    (nf_base_normal_full_config, 48, (0, 4, 8, 16, 24, 32, 40,)),
    (nf_base_mixture_config, 32, (0, 4, 8, 16, 24,)),
    (nf_base_student_config, 32, (0, 4, 8, 16, 24, 28,)),
    (nf_base_laplace_config, 16, (0, 4, 8,)),
    (nf_base_logistic_config, 16, (0, 4, 8,)),
    (nf_base_normal_conditional_config, 56, (0, 4, 8, 16, 24, 32, 40, 48, 52,)),
    (nf_context_config, 144, (0, 4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136,)),
    (nf_cnf_config, 152, (0, 4, 8, 16, 24, 28, 32, 36, 40, 48, 52, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144,)),
    (nf_ffjord_config, 296, (0, 4, 8, 16, 24, 32, 40, 48, 52, 56, 60, 64, 68, 72, 80, 88, 96, 104, 112, 120, 128, 136, 140, 144, 152, 160, 168, 176, 184, 192, 200, 208, 216, 220, 224, 232, 240, 248, 256, 264, 272, 280, 288, 292,)),
    (nf_solver_report, 104, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96,)),
    (nf_coupling_affine_config, 96, (0, 4, 8, 16, 24, 28, 32, 40, 44, 48, 52, 56, 60, 64, 72, 80, 88,)),
    (nf_coupling_spline_config, 136, (0, 4, 8, 16, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 84, 88, 96, 104, 112, 120, 128,)),
    (nf_read_config, 112, (0, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 108,)),
    (nf_column_report, 80, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72,)),
    (nf_flow_config, 88, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 84,)),
    (nf_realnvp_config, 192, (0, 4, 8, 16, 24, 32, 40, 48, 52, 56, 60, 64, 68, 72, 76, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 176, 184, 188,)),
    (nf_glow_config, 184, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 68, 72, 76, 80, 88, 96, 104, 112, 116, 120, 128, 136, 144, 152, 160, 168, 176, 180,)),
    (nf_realnvp_image_config, 152, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 68, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 148,)),
    (nf_param_view, 160, (0, 4, 8, 104, 112, 120, 124, 128,)),
    (nf_flow_info_report, 80, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72,)),
    (nf_step_memory_report, 72, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64,)),
    (nf_check_report, 80, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 76,)),
    (nf_coupling_conv_config, 80, (0, 4, 8, 16, 24, 32, 40, 44, 48, 56, 60, 64, 72,)),
    (nf_split_config, 40, (0, 4, 8, 16, 24, 32,)),
    (nf_permutation_config, 40, (0, 4, 8, 16, 24, 32,)),
    (nf_actnorm_config, 24, (0, 4, 8, 16,)),
    (nf_affine_config, 24, (0, 4, 8, 16,)),
    (nf_standardise_config, 48, (0, 4, 8, 16, 24, 32, 40,)),
    (nf_logit_config, 24, (0, 4, 8, 16,)),
    (nf_linear_config, 16, (0, 4, 8,)),
    (nf_householder_config, 24, (0, 4, 8, 16,)),
    (nf_invconv_config, 32, (0, 4, 8, 16, 24,)),
    (nf_squeeze_config, 40, (0, 4, 8, 16, 24, 32, 36,)),
    (nf_dequantise_config, 32, (0, 4, 8, 16, 20, 24,)),
    (nf_columns_config, 80, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72,)),
    (nf_adam_config, 48, (0, 4, 8, 16, 24, 32, 40,)),
    (nf_sgd_config, 32, (0, 4, 8, 16, 24,)),
    (nf_planar_config, 16, (0, 4, 8,)),
    (nf_radial_config, 16, (0, 4, 8,)),
    (nf_sylvester_config, 32, (0, 4, 8, 16, 24,)),
    (nf_table_config, 240, (0, 4, 8, 16, 24, 32, 40, 48, 52, 56, 60, 64, 72, 80, 88, 96, 104, 112, 120, 128, 136, 144, 152, 160, 168, 172, 176, 184, 192, 200, 208, 216, 224, 232, 236,)),
    (nf_fit_progress, 136, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 132,)),
    (nf_fit_config, 168, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 108, 112, 120, 128, 136, 144, 152, 160, 164,)),
    (nf_fit_report, 120, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112,)),
    (nf_target_progress, 88, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80,)),
    (nf_target_config, 152, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 76, 80, 88, 96, 104, 112, 120, 128, 136, 144,)),
    (nf_importance_report, 64, (0, 4, 8, 16, 24, 32, 40, 48, 56,)),
    (nf_target_report, 96, (0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88,)),
)

nf_autoregressive_config_init(config) = ccall((:nf_autoregressive_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_autoregressive_create(out, context, config) = ccall((:nf_autoregressive_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_base_ref(base) = ccall((:nf_base_ref, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), base)
nf_base_unref(base) = ccall((:nf_base_unref, libnflow), Cvoid, (Ptr{Cvoid},), base)
nf_base_dim(base) = ccall((:nf_base_dim, libnflow), Int64, (Ptr{Cvoid},), base)
nf_base_cond_dim(base) = ccall((:nf_base_cond_dim, libnflow), Int64, (Ptr{Cvoid},), base)
nf_base_type_name(base) = ccall((:nf_base_type_name, libnflow), Cstring, (Ptr{Cvoid},), base)
nf_base_type_at(index) = ccall((:nf_base_type_at, libnflow), Cstring, (Int32,), index)
nf_base_create(out, context, type, config) = ccall((:nf_base_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring, Ptr{Cvoid}), out, context, type, config)
nf_base_normal_config_init(config) = ccall((:nf_base_normal_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_normal_create(out, context, dim) = ccall((:nf_base_normal_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64), out, context, dim)
nf_base_diagonal_config_init(config) = ccall((:nf_base_diagonal_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_diagonal_create(out, context, dim) = ccall((:nf_base_diagonal_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64), out, context, dim)
nf_base_uniform_config_init(config) = ccall((:nf_base_uniform_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_uniform_create(out, context, dim, low, high) = ccall((:nf_base_uniform_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64, Float64, Float64), out, context, dim, low, high)
nf_base_box_config_init(config) = ccall((:nf_base_box_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_box_create(out, context, config) = ccall((:nf_base_box_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_base_normal_full_config_init(config) = ccall((:nf_base_normal_full_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_normal_full_create(out, context, config) = ccall((:nf_base_normal_full_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_base_mixture_config_init(config) = ccall((:nf_base_mixture_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_mixture_create(out, context, config) = ccall((:nf_base_mixture_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_base_student_config_init(config) = ccall((:nf_base_student_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_student_create(out, context, config) = ccall((:nf_base_student_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_base_laplace_config_init(config) = ccall((:nf_base_laplace_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_laplace_create(out, context, dim) = ccall((:nf_base_laplace_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64), out, context, dim)
nf_base_logistic_config_init(config) = ccall((:nf_base_logistic_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_logistic_create(out, context, dim) = ccall((:nf_base_logistic_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64), out, context, dim)
nf_base_normal_conditional_config_init(config) = ccall((:nf_base_normal_conditional_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_base_normal_conditional_create(out, context, config) = ccall((:nf_base_normal_conditional_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_config_field(config, index, out) = ccall((:nf_config_field, libnflow), Int32, (Cstring, Int32, Ptr{Cvoid}), config, index, out)
nf_context_config_init(config) = ccall((:nf_context_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_context_create(out, config) = ccall((:nf_context_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}), out, config)
nf_context_ref(context) = ccall((:nf_context_ref, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), context)
nf_context_unref(context) = ccall((:nf_context_unref, libnflow), Cvoid, (Ptr{Cvoid},), context)
nf_context_cancel(context) = ccall((:nf_context_cancel, libnflow), Cvoid, (Ptr{Cvoid},), context)
nf_context_resume(context) = ccall((:nf_context_resume, libnflow), Cvoid, (Ptr{Cvoid},), context)
nf_context_threads(context) = ccall((:nf_context_threads, libnflow), Int32, (Ptr{Cvoid},), context)
nf_context_isa(context) = ccall((:nf_context_isa, libnflow), Cstring, (Ptr{Cvoid},), context)
nf_context_backend(context) = ccall((:nf_context_backend, libnflow), Cstring, (Ptr{Cvoid},), context)
nf_blas_description() = ccall((:nf_blas_description, libnflow), Cstring, ())
nf_cnf_config_init(config) = ccall((:nf_cnf_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_cnf_create(out, context, config) = ccall((:nf_cnf_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_ffjord_config_init(config) = ccall((:nf_ffjord_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_create_ffjord(out, context, config) = ccall((:nf_flow_create_ffjord, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_flow_solver_report(flow, n, x, cond, report) = ccall((:nf_flow_solver_report, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Cvoid}), flow, n, x, cond, report)
nf_flow_solver_report_f64(flow, n, x, cond, report) = ccall((:nf_flow_solver_report_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Cvoid}), flow, n, x, cond, report)
nf_coupling_affine_config_init(config) = ccall((:nf_coupling_affine_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_coupling_affine_create(out, context, config) = ccall((:nf_coupling_affine_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_coupling_spline_config_init(config) = ccall((:nf_coupling_spline_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_coupling_spline_create(out, context, config) = ccall((:nf_coupling_spline_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_dataset_ref(dataset) = ccall((:nf_dataset_ref, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), dataset)
nf_dataset_unref(dataset) = ccall((:nf_dataset_unref, libnflow), Cvoid, (Ptr{Cvoid},), dataset)
nf_dataset_from_array(out, context, n, dim, x) = ccall((:nf_dataset_from_array, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64, Int64, Ptr{Float32}), out, context, n, dim, x)
nf_dataset_from_array_f64(out, context, n, dim, x) = ccall((:nf_dataset_from_array_f64, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int64, Int64, Ptr{Float64}), out, context, n, dim, x)
nf_dataset_set_cond(dataset, cond_dim, cond) = ccall((:nf_dataset_set_cond, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}), dataset, cond_dim, cond)
nf_dataset_set_cond_f64(dataset, cond_dim, cond) = ccall((:nf_dataset_set_cond_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}), dataset, cond_dim, cond)
nf_dataset_set_weights(dataset, weights) = ccall((:nf_dataset_set_weights, libnflow), Int32, (Ptr{Cvoid}, Ptr{Float64}), dataset, weights)
nf_read_config_init(config) = ccall((:nf_read_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_dataset_load(out, context, path, config) = ccall((:nf_dataset_load, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring, Ptr{Cvoid}), out, context, path, config)
nf_dataset_load_memory(out, context, bytes, size, config) = ccall((:nf_dataset_load_memory, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}, Int64, Ptr{Cvoid}), out, context, bytes, size, config)
nf_dataset_synthetic(out, context, name, n, noise, seed) = ccall((:nf_dataset_synthetic, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring, Int64, Float64, UInt64), out, context, name, n, noise, seed)
nf_dataset_synthetic_at(index) = ccall((:nf_dataset_synthetic_at, libnflow), Cstring, (Int32,), index)
nf_dataset_synthetic_entropy(name, noise) = ccall((:nf_dataset_synthetic_entropy, libnflow), Float64, (Cstring, Float64), name, noise)
nf_dataset_split(dataset, fraction, seed, first, second) = ccall((:nf_dataset_split, libnflow), Int32, (Ptr{Cvoid}, Float64, UInt64, Ptr{Ptr{Cvoid}}, Ptr{Ptr{Cvoid}}), dataset, fraction, seed, first, second)
nf_dataset_rows(dataset) = ccall((:nf_dataset_rows, libnflow), Int64, (Ptr{Cvoid},), dataset)
nf_dataset_dim(dataset) = ccall((:nf_dataset_dim, libnflow), Int64, (Ptr{Cvoid},), dataset)
nf_dataset_cond_dim(dataset) = ccall((:nf_dataset_cond_dim, libnflow), Int64, (Ptr{Cvoid},), dataset)
nf_dataset_image_shape(dataset, height, width, channels) = ccall((:nf_dataset_image_shape, libnflow), Int32, (Ptr{Cvoid}, Ptr{Int64}, Ptr{Int64}, Ptr{Int64}), dataset, height, width, channels)
nf_dataset_set_image_shape(dataset, height, width, channels) = ccall((:nf_dataset_set_image_shape, libnflow), Int32, (Ptr{Cvoid}, Int64, Int64, Int64), dataset, height, width, channels)
nf_dataset_copy(dataset, first, n, x, cond) = ccall((:nf_dataset_copy, libnflow), Int32, (Ptr{Cvoid}, Int64, Int64, Ptr{Float32}, Ptr{Float32}), dataset, first, n, x, cond)
nf_dataset_copy_f64(dataset, first, n, x, cond) = ccall((:nf_dataset_copy_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Int64, Ptr{Float64}, Ptr{Float64}), dataset, first, n, x, cond)
nf_dataset_column_name(dataset, column) = ccall((:nf_dataset_column_name, libnflow), Cstring, (Ptr{Cvoid}, Int64), dataset, column)
nf_dataset_check(dataset, column, report) = ccall((:nf_dataset_check, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Cvoid}), dataset, column, report)
nf_standardise_from_dataset(out, context, dataset, robust) = ccall((:nf_standardise_from_dataset, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}, Int32), out, context, dataset, robust)
nf_flow_config_init(config) = ccall((:nf_flow_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_create(out, context, config, base, layers, n_layers) = ccall((:nf_flow_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Ptr{Cvoid}}, Int64), out, context, config, base, layers, n_layers)
nf_realnvp_config_init(config) = ccall((:nf_realnvp_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_create_realnvp(out, context, config) = ccall((:nf_flow_create_realnvp, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_glow_config_init(config) = ccall((:nf_glow_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_create_glow(out, context, config) = ccall((:nf_flow_create_glow, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_realnvp_image_config_init(config) = ccall((:nf_realnvp_image_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_create_realnvp_image(out, context, config) = ccall((:nf_flow_create_realnvp_image, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_flow_ref(flow) = ccall((:nf_flow_ref, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), flow)
nf_flow_unref(flow) = ccall((:nf_flow_unref, libnflow), Cvoid, (Ptr{Cvoid},), flow)
nf_flow_dim(flow) = ccall((:nf_flow_dim, libnflow), Int64, (Ptr{Cvoid},), flow)
nf_flow_cond_dim(flow) = ccall((:nf_flow_cond_dim, libnflow), Int64, (Ptr{Cvoid},), flow)
nf_flow_dtype(flow) = ccall((:nf_flow_dtype, libnflow), Int32, (Ptr{Cvoid},), flow)
nf_flow_layers(flow) = ccall((:nf_flow_layers, libnflow), Int64, (Ptr{Cvoid},), flow)
nf_flow_layer(flow, index) = ccall((:nf_flow_layer, libnflow), Ptr{Cvoid}, (Ptr{Cvoid}, Int64), flow, index)
nf_flow_base(flow) = ccall((:nf_flow_base, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), flow)
nf_flow_param_count(flow) = ccall((:nf_flow_param_count, libnflow), Int64, (Ptr{Cvoid},), flow)
nf_flow_log_prob(flow, n, x, cond, log_prob) = ccall((:nf_flow_log_prob, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float64}), flow, n, x, cond, log_prob)
nf_flow_log_prob_f64(flow, n, x, cond, log_prob) = ccall((:nf_flow_log_prob_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond, log_prob)
nf_flow_sample(flow, seed, first, n, cond, temperature, x, log_prob) = ccall((:nf_flow_sample, libnflow), Int32, (Ptr{Cvoid}, UInt64, Int64, Int64, Ptr{Float32}, Float64, Ptr{Float32}, Ptr{Float64}), flow, seed, first, n, cond, temperature, x, log_prob)
nf_flow_sample_f64(flow, seed, first, n, cond, temperature, x, log_prob) = ccall((:nf_flow_sample_f64, libnflow), Int32, (Ptr{Cvoid}, UInt64, Int64, Int64, Ptr{Float64}, Float64, Ptr{Float64}, Ptr{Float64}), flow, seed, first, n, cond, temperature, x, log_prob)
nf_flow_forward(flow, n, x, cond, z, log_det) = ccall((:nf_flow_forward, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float32}, Ptr{Float64}), flow, n, x, cond, z, log_det)
nf_flow_forward_f64(flow, n, x, cond, z, log_det) = ccall((:nf_flow_forward_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond, z, log_det)
nf_flow_inverse(flow, n, z, cond, x, log_det) = ccall((:nf_flow_inverse, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float32}, Ptr{Float64}), flow, n, z, cond, x, log_det)
nf_flow_inverse_f64(flow, n, z, cond, x, log_det) = ccall((:nf_flow_inverse_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n, z, cond, x, log_det)
nf_flow_score(flow, n, x, cond, log_prob, grad_x) = ccall((:nf_flow_score, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float64}, Ptr{Float32}), flow, n, x, cond, log_prob, grad_x)
nf_flow_score_f64(flow, n, x, cond, log_prob, grad_x) = ccall((:nf_flow_score_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond, log_prob, grad_x)
nf_flow_nll_grad(flow, n, x, cond, mean_nll) = ccall((:nf_flow_nll_grad, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float64}), flow, n, x, cond, mean_nll)
nf_flow_nll_grad_f64(flow, n, x, cond, mean_nll) = ccall((:nf_flow_nll_grad_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond, mean_nll)
nf_flow_nll_grad_weighted(flow, n, x, cond, weights, mean_nll) = ccall((:nf_flow_nll_grad_weighted, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond, weights, mean_nll)
nf_flow_nll_grad_weighted_f64(flow, n, x, cond, weights, mean_nll) = ccall((:nf_flow_nll_grad_weighted_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond, weights, mean_nll)
nf_flow_params(flow, theta, grad, count) = ccall((:nf_flow_params, libnflow), Int32, (Ptr{Cvoid}, Ptr{Ptr{Float32}}, Ptr{Ptr{Float32}}, Ptr{Int64}), flow, theta, grad, count)
nf_flow_params_f64(flow, theta, grad, count) = ccall((:nf_flow_params_f64, libnflow), Int32, (Ptr{Cvoid}, Ptr{Ptr{Float64}}, Ptr{Ptr{Float64}}, Ptr{Int64}), flow, theta, grad, count)
nf_flow_update(flow) = ccall((:nf_flow_update, libnflow), Int32, (Ptr{Cvoid},), flow)
nf_flow_zero_grad(flow) = ccall((:nf_flow_zero_grad, libnflow), Int32, (Ptr{Cvoid},), flow)
nf_flow_get_params(flow, count, theta) = ccall((:nf_flow_get_params, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}), flow, count, theta)
nf_flow_set_params(flow, count, theta) = ccall((:nf_flow_set_params, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}), flow, count, theta)
nf_flow_param(flow, index, out) = ccall((:nf_flow_param, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Cvoid}), flow, index, out)
nf_flow_init_data(flow, n, x, cond) = ccall((:nf_flow_init_data, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}), flow, n, x, cond)
nf_flow_init_data_f64(flow, n, x, cond) = ccall((:nf_flow_init_data_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}), flow, n, x, cond)
nf_flow_reserve(flow, n, gradient) = ccall((:nf_flow_reserve, libnflow), Int32, (Ptr{Cvoid}, Int64, Int32), flow, n, gradient)
nf_flow_convert(out, flow, dtype) = ccall((:nf_flow_convert, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Int32), out, flow, dtype)
nf_flow_info(flow, report) = ccall((:nf_flow_info, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}), flow, report)
nf_flow_step_memory(flow, n, report) = ccall((:nf_flow_step_memory, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Cvoid}), flow, n, report)
nf_flow_image_shape(flow, height, width, channels) = ccall((:nf_flow_image_shape, libnflow), Int32, (Ptr{Cvoid}, Ptr{Int64}, Ptr{Int64}, Ptr{Int64}), flow, height, width, channels)
nf_flow_check(flow, n, x, cond, report) = ccall((:nf_flow_check, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Cvoid}), flow, n, x, cond, report)
nf_flow_check_f64(flow, n, x, cond, report) = ccall((:nf_flow_check_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Cvoid}), flow, n, x, cond, report)
nf_flow_interpolate(flow, path, steps, x0, x1, cond, x) = ccall((:nf_flow_interpolate, libnflow), Int32, (Ptr{Cvoid}, Int32, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float32}, Ptr{Float32}), flow, path, steps, x0, x1, cond, x)
nf_flow_interpolate_f64(flow, path, steps, x0, x1, cond, x) = ccall((:nf_flow_interpolate_f64, libnflow), Int32, (Ptr{Cvoid}, Int32, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, path, steps, x0, x1, cond, x)
nf_flow_direction(flow, n_with, x_with, cond_with, n_without, x_without, cond_without, direction) = ccall((:nf_flow_direction, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float32}), flow, n_with, x_with, cond_with, n_without, x_without, cond_without, direction)
nf_flow_direction_f64(flow, n_with, x_with, cond_with, n_without, x_without, cond_without, direction) = ccall((:nf_flow_direction_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}), flow, n_with, x_with, cond_with, n_without, x_without, cond_without, direction)
nf_flow_move(flow, n, x, cond, direction, amount, out) = ccall((:nf_flow_move, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float32}, Ptr{Float32}, Ptr{Float32}, Float64, Ptr{Float32}), flow, n, x, cond, direction, amount, out)
nf_flow_move_f64(flow, n, x, cond, direction, amount, out) = ccall((:nf_flow_move_f64, libnflow), Int32, (Ptr{Cvoid}, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Float64, Ptr{Float64}), flow, n, x, cond, direction, amount, out)
nf_flow_sample_temperatures(flow, seed, first, n, cond, n_temperatures, temperatures, x) = ccall((:nf_flow_sample_temperatures, libnflow), Int32, (Ptr{Cvoid}, UInt64, Int64, Int64, Ptr{Float32}, Int64, Ptr{Float64}, Ptr{Float32}), flow, seed, first, n, cond, n_temperatures, temperatures, x)
nf_flow_sample_temperatures_f64(flow, seed, first, n, cond, n_temperatures, temperatures, x) = ccall((:nf_flow_sample_temperatures_f64, libnflow), Int32, (Ptr{Cvoid}, UInt64, Int64, Int64, Ptr{Float64}, Int64, Ptr{Float64}, Ptr{Float64}), flow, seed, first, n, cond, n_temperatures, temperatures, x)
nf_layer_ref(layer) = ccall((:nf_layer_ref, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), layer)
nf_layer_unref(layer) = ccall((:nf_layer_unref, libnflow), Cvoid, (Ptr{Cvoid},), layer)
nf_layer_dim(layer) = ccall((:nf_layer_dim, libnflow), Int64, (Ptr{Cvoid},), layer)
nf_layer_cond_dim(layer) = ccall((:nf_layer_cond_dim, libnflow), Int64, (Ptr{Cvoid},), layer)
nf_layer_type_name(layer) = ccall((:nf_layer_type_name, libnflow), Cstring, (Ptr{Cvoid},), layer)
nf_layer_create(out, context, type, config) = ccall((:nf_layer_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring, Ptr{Cvoid}), out, context, type, config)
nf_layer_type_at(index) = ccall((:nf_layer_type_at, libnflow), Cstring, (Int32,), index)
nf_coupling_conv_config_init(config) = ccall((:nf_coupling_conv_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_coupling_conv_create(out, context, config) = ccall((:nf_coupling_conv_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_split_config_init(config) = ccall((:nf_split_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_split_create(out, context, config) = ccall((:nf_split_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_permutation_config_init(config) = ccall((:nf_permutation_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_permutation_create(out, context, config) = ccall((:nf_permutation_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_actnorm_config_init(config) = ccall((:nf_actnorm_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_actnorm_create(out, context, config) = ccall((:nf_actnorm_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_affine_config_init(config) = ccall((:nf_affine_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_affine_create(out, context, config) = ccall((:nf_affine_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_standardise_config_init(config) = ccall((:nf_standardise_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_standardise_create(out, context, config) = ccall((:nf_standardise_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_logit_config_init(config) = ccall((:nf_logit_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_logit_create(out, context, config) = ccall((:nf_logit_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_linear_config_init(config) = ccall((:nf_linear_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_linear_create(out, context, config) = ccall((:nf_linear_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_householder_config_init(config) = ccall((:nf_householder_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_householder_create(out, context, config) = ccall((:nf_householder_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_invconv_config_init(config) = ccall((:nf_invconv_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_invconv_create(out, context, config) = ccall((:nf_invconv_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_squeeze_config_init(config) = ccall((:nf_squeeze_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_squeeze_create(out, context, config) = ccall((:nf_squeeze_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_dequantise_config_init(config) = ccall((:nf_dequantise_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_dequantise_create(out, context, config) = ccall((:nf_dequantise_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_columns_config_init(config) = ccall((:nf_columns_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_columns_create(out, context, config) = ccall((:nf_columns_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_maker_alloc(maker, bytes) = ccall((:nf_maker_alloc, libnflow), Ptr{Cvoid}, (Ptr{Cvoid}, Int64), maker, bytes)
nf_fail(status, line) = ccall((:nf_fail, libnflow), Int32, (Int32, Cstring), status, line)
nf_fail_row(tile, i, status, line) = ccall((:nf_fail_row, libnflow), Cvoid, (Ptr{Cvoid}, Int64, Int32, Cstring), tile, i, status, line)
nf_context_register_layer(context, type) = ccall((:nf_context_register_layer, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}), context, type)
nf_layer_create_custom(out, context, type, config) = ccall((:nf_layer_create_custom, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, type, config)
nf_flow_save(flow, path) = ccall((:nf_flow_save, libnflow), Int32, (Ptr{Cvoid}, Cstring), flow, path)
nf_flow_save_memory(flow, buffer, capacity, size) = ccall((:nf_flow_save_memory, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Int64, Ptr{Int64}), flow, buffer, capacity, size)
nf_flow_load(out, context, path) = ccall((:nf_flow_load, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring), out, context, path)
nf_flow_load_memory(out, context, bytes, size) = ccall((:nf_flow_load_memory, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}, Int64), out, context, bytes, size)
nf_flow_verify(context, path, max_error, rows) = ccall((:nf_flow_verify, libnflow), Int32, (Ptr{Cvoid}, Cstring, Ptr{Float64}, Ptr{Int64}), context, path, max_error, rows)
nf_flow_from_json(out, context, description) = ccall((:nf_flow_from_json, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring), out, context, description)
nf_flow_to_json(flow, buffer, capacity, size) = ccall((:nf_flow_to_json, libnflow), Int32, (Ptr{Cvoid}, Cstring, Int64, Ptr{Int64}), flow, buffer, capacity, size)
nf_optimizer_ref(optimizer) = ccall((:nf_optimizer_ref, libnflow), Ptr{Cvoid}, (Ptr{Cvoid},), optimizer)
nf_optimizer_unref(optimizer) = ccall((:nf_optimizer_unref, libnflow), Cvoid, (Ptr{Cvoid},), optimizer)
nf_optimizer_type_name(optimizer) = ccall((:nf_optimizer_type_name, libnflow), Cstring, (Ptr{Cvoid},), optimizer)
nf_optimizer_type_at(index) = ccall((:nf_optimizer_type_at, libnflow), Cstring, (Int32,), index)
nf_optimizer_create(out, context, type, config) = ccall((:nf_optimizer_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Cstring, Ptr{Cvoid}), out, context, type, config)
nf_adam_config_init(config) = ccall((:nf_adam_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_sgd_config_init(config) = ccall((:nf_sgd_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_optimizer_adam_create(out, context, config) = ccall((:nf_optimizer_adam_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_optimizer_adamw_create(out, context, config) = ccall((:nf_optimizer_adamw_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_optimizer_adamax_create(out, context, config) = ccall((:nf_optimizer_adamax_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_optimizer_sgd_create(out, context, config) = ccall((:nf_optimizer_sgd_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_optimizer_step(optimizer, flow) = ccall((:nf_optimizer_step, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}), optimizer, flow)
nf_optimizer_step_clipped(optimizer, flow, max_norm, norm) = ccall((:nf_optimizer_step_clipped, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Float64, Ptr{Float64}), optimizer, flow, max_norm, norm)
nf_optimizer_lr(optimizer) = ccall((:nf_optimizer_lr, libnflow), Float64, (Ptr{Cvoid},), optimizer)
nf_optimizer_set_lr(optimizer, lr) = ccall((:nf_optimizer_set_lr, libnflow), Int32, (Ptr{Cvoid}, Float64), optimizer, lr)
nf_optimizer_steps(optimizer) = ccall((:nf_optimizer_steps, libnflow), Int64, (Ptr{Cvoid},), optimizer)
nf_optimizer_reset(optimizer) = ccall((:nf_optimizer_reset, libnflow), Int32, (Ptr{Cvoid},), optimizer)
nf_planar_config_init(config) = ccall((:nf_planar_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_planar_create(out, context, config) = ccall((:nf_planar_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_radial_config_init(config) = ccall((:nf_radial_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_radial_create(out, context, config) = ccall((:nf_radial_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_sylvester_config_init(config) = ccall((:nf_sylvester_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_sylvester_create(out, context, config) = ccall((:nf_sylvester_create, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_status_name(status) = ccall((:nf_status_name, libnflow), Cstring, (Int32,), status)
nf_status_text(status) = ccall((:nf_status_text, libnflow), Cstring, (Int32,), status)
nf_last_error() = ccall((:nf_last_error, libnflow), Cstring, ())
nf_version() = ccall((:nf_version, libnflow), Cstring, ())
nf_version_number() = ccall((:nf_version_number, libnflow), Int32, ())
nf_table_config_init(config) = ccall((:nf_table_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_create_nsf(out, context, config) = ccall((:nf_flow_create_nsf, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_flow_create_maf(out, context, config) = ccall((:nf_flow_create_maf, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_flow_create_iaf(out, context, config) = ccall((:nf_flow_create_iaf, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_flow_create_nice(out, context, config) = ccall((:nf_flow_create_nice, libnflow), Int32, (Ptr{Ptr{Cvoid}}, Ptr{Cvoid}, Ptr{Cvoid}), out, context, config)
nf_fit_config_init(config) = ccall((:nf_fit_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_fit(flow, optimizer, train, valid, config, report) = ccall((:nf_flow_fit, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}), flow, optimizer, train, valid, config, report)
nf_flow_mean_nll(flow, data, mean_nll) = ccall((:nf_flow_mean_nll, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Float64}), flow, data, mean_nll)
nf_target_config_init(config) = ccall((:nf_target_config_init, libnflow), Cvoid, (Ptr{Cvoid},), config)
nf_flow_fit_target(flow, optimizer, log_density, user, data, config, report) = ccall((:nf_flow_fit_target, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}), flow, optimizer, log_density, user, data, config, report)
nf_flow_importance(flow, log_density, user, seed, first, n, cond, x, log_weight, report) = ccall((:nf_flow_importance, libnflow), Int32, (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, UInt64, Int64, Int64, Ptr{Float64}, Ptr{Float64}, Ptr{Float64}, Ptr{Cvoid}), flow, log_density, user, seed, first, n, cond, x, log_weight, report)
