# SPDX-License-Identifier: MIT
#
# julia --project=bindings/julia bindings/julia/test/runtests.jl        NFLOW_LIBRARY: where libnflow.so.0 is, if it is not installed
using Nflow, Test

@testset "Nflow" begin
    data = Dataset("moons", 500; seed = 1)
    train, valid = split_rows(data, 0.8)
    @test (rows(train), rows(valid), dim(data), cond_dim(data)) == (400, 100, 2, 0)
    flow = realnvp(dim = 2, layers = 4, hidden = [16, 16], seed = 1)
    epochs = Int[]
    report = fit!(flow, adam(lr = 3e-3), train; valid, epochs = 5, seed = 1, progress = p -> (push!(epochs, p.epoch); nothing))
    @test epochs == 1:5 && report.epochs == 5 && isfinite(report.valid_nll)
    @test mean_nll(flow, valid) ≈ report.valid_nll
    x = sample(flow, 7; seed = 3)
    @test size(x) == (2, 7) && x[:, 4] == sample(flow, 1; seed = 3, first = 3)[:, 1]
    z, log_det = forward(flow, x)
    @test inverse(flow, z)[1] ≈ x rtol = 1e-3
    @test size(score(flow, x)) == (2, 7)
    mktempdir() do folder
        path = joinpath(folder, "model.safetensors")
        save(flow, path)
        @test log_prob(load(path), x) == log_prob(flow, x)
    end
    @test_throws NflowError load("/nowhere")
    @test_throws DimensionMismatch log_prob(flow, zeros(3, 2))
    @test_throws ArgumentError realnvp(dims = 2)
    @test_throws ErrorException fit!(flow, adam(), train; epochs = 3, progress = p -> error("enough"))
    @test fit!(flow, adam(), train; epochs = 9, progress = p -> p.epoch == 2).epochs == 2
    wide = realnvp(dim = 2, dtype = Nflow.NF_F64)
    @test dtype(wide) === Float64 && eltype(sample(wide, 2)) === Float64
    points = Dataset(Matrix{Float64}(data); weights = ones(500), cond = ones(1, 500))
    @test Matrix{Float64}(points) == Matrix{Float64}(data) && cond_dim(points) == 1
end
