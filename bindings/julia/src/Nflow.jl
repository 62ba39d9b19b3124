# SPDX-License-Identifier: MIT

"""
Normalizing flows by libnflow: models that learn a density from points, and then give the exact log density of any point and draw
exact new ones.

    using Nflow
    data = Dataset("moons", 2000; seed = 1)
    flow = realnvp(dim = 2)
    fit!(flow, adam(), data; epochs = 20)
    x = sample(flow, 5; seed = 1)          # 2 x 5: a point is a column
    log_prob(flow, x)

Points are the columns of a matrix, which is how C's rows lie in memory. Objects are released by finalizers. A status below zero is
thrown as `NflowError`. One task at a time may use an object that is being trained; calls that only read run on any threads.
"""
module Nflow

export Context, Dataset, Flow, Optimizer, NflowError, adam, adamw, adamax, sgd, realnvp, realnvp_image, glow, ffjord, fit!, log_prob,
       sample, forward, inverse, score, save, load, load_data, split_rows, mean_nll, rows, dim, cond_dim, param_count, dtype

# The library: by its soname, or as NFLOW_LIBRARY says.
const libnflow = get(ENV, "NFLOW_LIBRARY", "libnflow.so.0")

# All bytes zero, and the struct's size where C reads it.
function zeroed(x::T) where {T}
    GC.@preserve x ccall(:memset, Ptr{Cvoid}, (Ptr{Cvoid}, Cint, Csize_t), pointer_from_objref(x), 0, sizeof(T))
    x.struct_size = sizeof(T)
    return x
end

include("generated.jl")

"A failure: status, its name, and the line that says function, argument, value and limit."
struct NflowError <: Exception
    status::Int32
    name::String
    message::String
end

Base.showerror(io::IO, e::NflowError) = print(io, e.name, ": ", e.message)

# Throws for a status below zero; the line is this thread's, and taken at once.
function check(status::Int32)
    status >= 0 && return status
    throw(NflowError(status, unsafe_string(nf_status_name(status)), unsafe_string(nf_last_error())))
end

# ---- configs

# A config and the arrays and texts that it points to.
struct Config{T}
    c::T
    kept::Vector{Any}
end

function Config(::Type{T}; fields...) where {T}
    config = Config{T}(T(), Any[])
    for (name, value) in fields
        set!(config, name, value)
    end
    return config
end

function set!(config::Config{T}, name::Symbol, value) where {T}
    name in fieldnames(T) || throw(ArgumentError("$T has no field $name; there are $(join(fieldnames(T), ", "))"))
    type = fieldtype(T, name)
    if type <: Ptr && value isa AbstractVector
        array = collect(eltype(type), value)
        push!(config.kept, array)
        setfield!(config.c, name, pointer(array))
        setfield!(config.c, Symbol("n_", name), Int64(length(array)))
    elseif type <: Ptr && value isa AbstractString
        occursin('\0', value) && throw(ArgumentError("$name holds a NUL"))
        text = String(value)
        push!(config.kept, text)
        setfield!(config.c, name, pointer(text))
    else
        setfield!(config.c, name, convert(type, value))
    end
end

# ---- objects

for (type, unref) in ((:Context, :nf_context_unref), (:Dataset, :nf_dataset_unref), (:Flow, :nf_flow_unref),
                      (:Optimizer, :nf_optimizer_unref))
    @eval begin
        mutable struct $type
            ptr::Ptr{Cvoid}
            $type(ptr::Ptr{Cvoid}) = finalizer(x -> $unref(x.ptr), new(ptr))
        end
    end
end

# For ccall: the object itself is the argument, so that it lives through the call.
Base.cconvert(::Type{Ptr{Cvoid}}, x::Union{Context,Dataset,Flow,Optimizer}) = x
Base.unsafe_convert(::Type{Ptr{Cvoid}}, x::Union{Context,Dataset,Flow,Optimizer}) = x.ptr

orNULL(x) = x === nothing ? C_NULL : x

# The object of type T that create(out) makes.
function make(create, ::Type{T}) where {T}
    out = Ref{Ptr{Cvoid}}(C_NULL)
    check(create(out))
    return T(out[])
end

# The same from a config.
function make(create, ::Type{T}, config::Config) where {T}
    GC.@preserve config begin
        address = pointer_from_objref(config.c)
        return make(out -> create(out, address), T)
    end
end

"An environment: `Context(threads = -1)`. Without one: one thread, the library's defaults."
Context(; fields...) = make(nf_context_create, Context, Config(nf_context_config; fields...))

# ---- data

"A synthetic density's points, in double."
Dataset(name::AbstractString, n::Integer; noise = -1.0, seed = 0, context = nothing) =
    make(out -> nf_dataset_synthetic(out, orNULL(context), name, n, noise, seed), Dataset)

"Points, the columns of a matrix; `cond` has a column for each, `weights` a number."
function Dataset(x::AbstractMatrix{T}; cond = nothing, weights = nothing, context = nothing) where {T<:Union{Float32,Float64}}
    a = Matrix{T}(x)
    from = T === Float32 ? nf_dataset_from_array : nf_dataset_from_array_f64
    data = make(out -> from(out, orNULL(context), size(a, 2), size(a, 1), a), Dataset)
    if cond !== nothing
        size(cond, 2) == size(a, 2) || throw(DimensionMismatch("cond has $(size(cond, 2)) columns, x has $(size(a, 2))"))
        check(nf_dataset_set_cond_f64(data, size(cond, 1), Matrix{Float64}(cond)))
    end
    if weights !== nothing
        length(weights) == size(a, 2) || throw(DimensionMismatch("$(length(weights)) weights, $(size(a, 2)) points"))
        check(nf_dataset_set_weights(data, Vector{Float64}(weights)))
    end
    return data
end

"Reads a table: CSV, NPY, IDX, CIFAR-10, PNG. Fields of `nf_read_config` are keywords."
load_data(path::AbstractString; context = nothing, fields...) =
    make((out, config) -> nf_dataset_load(out, orNULL(context), path, config), Dataset, Config(nf_read_config; fields...))

rows(data::Dataset) = nf_dataset_rows(data)
dim(data::Dataset) = nf_dataset_dim(data)
cond_dim(data::Dataset) = nf_dataset_cond_dim(data)

"A share of the points and the others, at random; `seed = nothing`: in their order."
function split_rows(data::Dataset, fraction::Real; seed = nothing)
    first, second = Ref{Ptr{Cvoid}}(C_NULL), Ref{Ptr{Cvoid}}(C_NULL)
    check(nf_dataset_split(data, fraction, seed === nothing ? typemax(UInt64) : seed, first, second))
    return Dataset(first[]), Dataset(second[])
end

"All points, the columns of a matrix."
function Base.Matrix{T}(data::Dataset) where {T<:Union{Float32,Float64}}
    x = Matrix{T}(undef, dim(data), rows(data))
    copy = T === Float32 ? nf_dataset_copy : nf_dataset_copy_f64
    check(copy(data, 0, rows(data), x, C_NULL))
    return x
end

# ---- optimizers

adam(; context = nothing, fields...) =
    make((out, c) -> nf_optimizer_adam_create(out, orNULL(context), c), Optimizer, Config(nf_adam_config; fields...))
adamw(; context = nothing, fields...) =
    make((out, c) -> nf_optimizer_adamw_create(out, orNULL(context), c), Optimizer, Config(nf_adam_config; fields...))
adamax(; context = nothing, fields...) =
    make((out, c) -> nf_optimizer_adamax_create(out, orNULL(context), c), Optimizer, Config(nf_adam_config; fields...))
sgd(; context = nothing, fields...) =
    make((out, c) -> nf_optimizer_sgd_create(out, orNULL(context), c), Optimizer, Config(nf_sgd_config; fields...))

# ---- flows

"RealNVP. Fields of `nf_realnvp_config` are keywords: `realnvp(dim = 2, hidden = [64, 64])`."
realnvp(; context = nothing, fields...) =
    make((out, c) -> nf_flow_create_realnvp(out, orNULL(context), c), Flow, Config(nf_realnvp_config; fields...))
"RealNVP on images."
realnvp_image(; context = nothing, fields...) =
    make((out, c) -> nf_flow_create_realnvp_image(out, orNULL(context), c), Flow, Config(nf_realnvp_image_config; fields...))
"GLOW on images."
glow(; context = nothing, fields...) =
    make((out, c) -> nf_flow_create_glow(out, orNULL(context), c), Flow, Config(nf_glow_config; fields...))
"FFJORD."
ffjord(; context = nothing, fields...) =
    make((out, c) -> nf_flow_create_ffjord(out, orNULL(context), c), Flow, Config(nf_ffjord_config; fields...))

dim(flow::Flow) = nf_flow_dim(flow)
cond_dim(flow::Flow) = nf_flow_cond_dim(flow)
param_count(flow::Flow) = nf_flow_param_count(flow)
dtype(flow::Flow) = nf_flow_dtype(flow) == NF_F64 ? Float64 : Float32

# Points in the flow's precision, and how many; a vector is one point.
function points(flow::Flow, x::AbstractVecOrMat)
    size(x, 1) == dim(flow) || throw(DimensionMismatch("a point has $(size(x, 1)) numbers, the flow has dim $(dim(flow))"))
    return Array{dtype(flow)}(x), size(x, 2)
end

function conditions(flow::Flow, cond, n)
    cond === nothing && return C_NULL
    size(cond) == (cond_dim(flow), n) || throw(DimensionMismatch("cond is $(size(cond)), needed is $((cond_dim(flow), n))"))
    return Array{dtype(flow)}(cond)
end

# The call of the flow's precision.
pick(flow::Flow, single, double) = dtype(flow) === Float64 ? double : single

"Log density of each point, in nats and in the data's units."
function log_prob(flow::Flow, x::AbstractVecOrMat; cond = nothing)
    a, n = points(flow, x)
    result = Vector{Float64}(undef, n)
    check(pick(flow, nf_flow_log_prob, nf_flow_log_prob_f64)(flow, n, a, conditions(flow, cond, n), result))
    return result
end

"`n` points of the endless sequence that `seed` names, from `first` on."
function sample(flow::Flow, n::Integer; seed = 0, first = 0, temperature = 1.0, cond = nothing)
    n >= 0 || throw(ArgumentError("n is $n"))
    x = Matrix{dtype(flow)}(undef, dim(flow), n)
    check(pick(flow, nf_flow_sample, nf_flow_sample_f64)(flow, seed, first, n, conditions(flow, cond, n), temperature, x, C_NULL))
    return x
end

"z = f(x), and the logarithms of the determinants of its Jacobian."
function forward(flow::Flow, x::AbstractVecOrMat; cond = nothing)
    a, n = points(flow, x)
    z, log_det = similar(a), Vector{Float64}(undef, n)
    check(pick(flow, nf_flow_forward, nf_flow_forward_f64)(flow, n, a, conditions(flow, cond, n), z, log_det))
    return z, log_det
end

"x = f^-1(z), and the logarithms of the determinants of its Jacobian."
function inverse(flow::Flow, z::AbstractVecOrMat; cond = nothing)
    a, n = points(flow, z)
    x, log_det = similar(a), Vector{Float64}(undef, n)
    check(pick(flow, nf_flow_inverse, nf_flow_inverse_f64)(flow, n, a, conditions(flow, cond, n), x, log_det))
    return x, log_det
end

"d log p(x) / dx."
function score(flow::Flow, x::AbstractVecOrMat; cond = nothing)
    a, n = points(flow, x)
    grad = similar(a)
    check(pick(flow, nf_flow_score, nf_flow_score_f64)(flow, n, a, conditions(flow, cond, n), C_NULL, grad))
    return grad
end

"Mean negative log-likelihood of a dataset."
function mean_nll(flow::Flow, data::Dataset)
    mean = Ref{Float64}(NaN)
    check(nf_flow_mean_nll(flow, data, mean))
    return mean[]
end

"Saves a flow, atomically and durably."
save(flow::Flow, path::AbstractString) = (check(nf_flow_save(flow, path)); nothing)
"Loads a model file; all of it is checked."
load(path::AbstractString; context = nothing) = make(out -> nf_flow_load(out, orNULL(context), path), Flow)

# ---- training

# What the progress callback calls, and what that threw.
mutable struct Call
    progress::Any
    thrown::Any
end

# No exception may pass through C.
function on_progress(user::Ptr{Cvoid}, progress::Ptr{nf_fit_progress})::Int32
    call = unsafe_pointer_to_objref(user)::Call
    try
        return call.progress(unsafe_load(progress)) === true ? Int32(1) : Int32(0)
    catch thrown
        call.thrown = thrown
        return Int32(1)
    end
end

"""
    fit!(flow, optimizer, train; valid, progress, fields of nf_fit_config ...)

Fits by maximum likelihood; the report of C is returned. `progress(p)` is called after each epoch with the fields of `nf_fit_progress`;
`true` stops, an exception, Ctrl-C too, stops and goes on here. The flow then holds the best parameters so far.
"""
function fit!(flow::Flow, optimizer::Optimizer, train::Dataset; valid = nothing, progress = p -> nothing, fields...)
    config, report, call = Config(nf_fit_config; fields...), nf_fit_report(), Call(progress, nothing)
    GC.@preserve config report call begin
        config.c.progress = @cfunction(on_progress, Int32, (Ptr{Cvoid}, Ptr{nf_fit_progress}))
        config.c.progress_user = pointer_from_objref(call)
        status = nf_flow_fit(flow, optimizer, train, orNULL(valid), pointer_from_objref(config.c), pointer_from_objref(report))
    end
    call.thrown === nothing || throw(call.thrown)
    check(status)
    return report
end

function __init__()
    for (type, size, offsets) in LAYOUTS
        found = ntuple(i -> Int(fieldoffset(type, i)), fieldcount(type))
        sizeof(type) == size && found == offsets || error("$type is not laid out as C has it: $(sizeof(type)), $found")
    end
end

end
