using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, S scales

/// <summary>The settings that a batch of games shares, and their solutions.</summary>
/// <param name="Temperature">tau.</param>
/// <param name="Tolerance">The residual at which a game counts as solved.</param>
/// <param name="MaxIterations">The largest number of iterations.</param>
/// <param name="Available">The number of scales that play, per document.</param>
internal sealed record NashBatch(double Temperature, double Tolerance, int MaxIterations, int[] Available)
{
    /// <summary>The solved games, one per document.</summary>
    public NashEquilibrium[] Games { get; set; } = [];
}

/// <summary>
/// The differentiable call of <see cref="NashEquilibrium"/>. Arguments: Gram matrices [B, S, S] and prices [B, S], both float64, a <see cref="NashBatch"/>.
/// </summary>
/// <remarks>The games are tiny, so they are solved on the CPU, whatever the device of the tensors.</remarks>
internal sealed unsafe class NashFunction : SingleOutputFunction<NashFunction>
{
    private const string BatchKey = "batch";

    /// <summary>Computes the weights [B, S], float64.</summary>
    public static Tensor Apply(Tensor gram, Tensor prices, NashBatch batch) => CallSingle(gram, prices, batch);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (gram, prices, batch) = ((Tensor)arguments[0], (Tensor)arguments[1], (NashBatch)arguments[2]);
        var result = Solve(gram, prices, batch).to(gram.device);
        ctx.save_for_backward([result.detach()]);
        ctx.save_data(BatchKey, batch);
        return result;
    }

    /// <summary>Solves the games: the weights [B, S] on the processor, float64. The games are kept in the batch.</summary>
    public static Tensor Solve(Tensor gram, Tensor prices, NashBatch batch)
    {
        using var g = gram.cpu().contiguous();
        using var p = prices.cpu().contiguous();
        var weights = zeros_like(p);
        int documents = (int)p.shape[0], scales = (int)p.shape[1];
        double* matrix = TensorMemory.Pointer<double>(g), price = TensorMemory.Pointer<double>(p), to = TensorMemory.Pointer<double>(weights);
        var games = new NashEquilibrium[documents];
        KernelThreads.For(documents, get_num_threads(), document =>
        {
            games[document] = new NashEquilibrium(
                new ReadOnlySpan<double>(matrix + ((long)document * scales * scales), scales * scales),
                new ReadOnlySpan<double>(price + ((long)document * scales), scales), batch.Temperature, batch.Available[document]);
            games[document].Solve(batch.Tolerance, batch.MaxIterations, new Span<double>(to + ((long)document * scales), scales));
        });
        batch.Games = games;
        return weights;
    }

    /// <summary>Computes the gradients of Gram matrices and prices, [B, S, S] and [B, S] on the processor, from that of the weights.</summary>
    /// <param name="weights">[B, S], as <see cref="Solve"/> returned them.</param>
    /// <param name="gradient">[B, S], float64.</param>
    /// <param name="batch">The solved games.</param>
    public static (Tensor Gram, Tensor Prices) Gradients(Tensor weights, Tensor gradient, NashBatch batch)
    {
        using var w = weights.cpu().contiguous();
        using var incomingGradient = gradient.cpu().contiguous();
        int documents = (int)w.shape[0], scales = (int)w.shape[1];
        var gramGradient = zeros([documents, scales, scales], ScalarType.Float64);
        var priceGradient = zeros([documents, scales], ScalarType.Float64);
        double* solution = TensorMemory.Pointer<double>(w), incoming = TensorMemory.Pointer<double>(incomingGradient);
        double* toGram = TensorMemory.Pointer<double>(gramGradient), toPrice = TensorMemory.Pointer<double>(priceGradient);
        KernelThreads.For(documents, get_num_threads(), document =>
        {
            long row = (long)document * scales;
            batch.Games[document].Backward(
                batch.Tolerance, batch.MaxIterations, new ReadOnlySpan<double>(solution + row, scales), new ReadOnlySpan<double>(incoming + row, scales),
                new Span<double>(toGram + (row * scales), scales * scales), new Span<double>(toPrice + row, scales));
        });
        return (gramGradient, priceGradient);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var batch = (NashBatch)ctx.get_data(BatchKey);
        var (gramGradient, priceGradient) = Gradients(saved[0], gradient, batch);
        return [gramGradient.to(gradient.device), priceGradient.to(gradient.device), null];
    }
}
