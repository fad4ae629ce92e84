using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, S' those of the batch, D width, R rows of all scales

/// <summary>The passes of an aggregation on a CUDA device: the launches, and the memory that they share.</summary>
/// <param name="scales">The outputs of the scales.</param>
/// <param name="settings">The rule of the weights and the numbers of their program.</param>
internal sealed class CudaScaleAggregation(CudaScales scales, CudaScaleSettings settings)
{
    private const int RowThreads = 256;
    private const int GramThreads = 1024;
    private const int TileThreads = 128;
    private const int SumThreads = 256;
    private const int WarpThreads = 32;
    private const int RowsPerBlock = 8;

    private readonly CudaScaleLayout _layout = new(scales);

    private bool IsCausal => scales.Hierarchy.IsCausal;

    private bool IsGame => settings.Game is not null;

    // The weights of a token: a row each, or one per document.
    private bool HasTokenWeights => settings.Rule == ScaleWeightRule.Token || (settings.Rule == ScaleWeightRule.Equal && IsCausal);

    /// <summary>Computes the weighted sum of the scales.</summary>
    /// <param name="outputs">O_s, [B, N_s, D].</param>
    /// <param name="utility">v [D]; null where the program has no utilities that depend on tokens.</param>
    /// <param name="bias">b [S]; null without a program.</param>
    /// <param name="given">The weights [B, S], float32, if the rule is <see cref="ScaleWeightRule.Given"/> and no game gives them.</param>
    /// <param name="keepsState">Whether a backward pass follows.</param>
    /// <returns>
    /// The sum [B, N, D], the weights [B, N, S] or [B, S], residuals [B] (float32) and steps [B] (Int32) of the solver, and the state for the backward pass.
    /// </returns>
    public (Tensor Mixed, Tensor Weights, Tensor Residuals, Tensor Steps, Tensor State) Forward(
        IReadOnlyList<Tensor> outputs, Tensor? utility, Tensor? bias, Tensor? given, bool keepsState)
    {
        var launcher = scales.Forward;
        var finest = outputs[0];
        var device = finest.device;
        int batch = _layout.Batch, length = _layout.Length;
        var call = NewCall(launcher, outputs, utility, bias);
        var mixed = empty([batch, length, scales.Width], finest.dtype, device);
        var residuals = empty([batch], ScalarType.Float32, device);
        var steps = empty([batch], ScalarType.Int32, device);
        var state = Memory(_layout.PlaceState(ref call, settings, keepsState, 0), device);
        _layout.PlaceState(ref call, settings, keepsState, launcher.AddressOf(state));
        (call.Mixed, call.Residuals, call.Steps) = (launcher.AddressOf(mixed), launcher.AddressOf(residuals), launcher.AddressOf(steps));
        if (settings.UsesGram)
        {
            using var sums = Memory(_layout.PlaceSums(ref call, 0), device);
            _layout.PlaceSums(ref call, launcher.AddressOf(sums));
            launcher.Launch("scale_rows", _layout.Chunks, batch, 1, RowThreads, ref call);
            if (!IsCausal)
                PrepareWeights();
        }
        var weights = Weights();
        call.Weights = launcher.AddressOf(weights);
        launcher.Launch("scale_mix", _layout.Tiles, batch, 1, TileThreads, ref call);
        return (mixed, weights, residuals, steps, state);

        // The weights of documents are solved with their Gram matrix.
        void PrepareWeights()
        {
            given = settings.Rule == ScaleWeightRule.Document ? empty([batch, scales.NumScales], ScalarType.Float32, device) : given;
            call.Weights = given is null ? 0 : launcher.AddressOf(given);
            launcher.Launch("scale_gram", batch, 1, 1, GramThreads, ref call);
            if (IsGame)
                given = settings.Game!.Solve(_layout.Gram(state, call, launcher), scales);
        }

        Tensor Weights() => given
            ?? empty(HasTokenWeights ? [batch, length, scales.NumScales] : [batch, scales.NumScales], ScalarType.Float32, device);
    }

    /// <summary>Computes the gradients from what <see cref="Forward"/> read and returned, and from that of its sum.</summary>
    /// <returns>The gradients of the outputs, and of utility, bias and given weights where they exist.</returns>
    public (Tensor[] Outputs, Tensor? Utility, Tensor? Bias, Tensor? Given) Backward(
        IReadOnlyList<Tensor> outputs, Tensor? utility, Tensor? bias, Tensor weights, Tensor state, Tensor gradient)
    {
        var launcher = scales.Backward!;
        var device = gradient.device;
        var upstream = CudaScales.Readable(gradient, launcher);
        var call = NewCall(launcher, outputs, utility, bias);
        _layout.PlaceState(ref call, settings, true, launcher.AddressOf(state));
        var scratch = Memory(_layout.PlaceGradients(ref call, settings, 0), device);
        _layout.PlaceGradients(ref call, settings, launcher.AddressOf(scratch));
        (call.MixedGradient, call.Weights) = (launcher.AddressOf(upstream), launcher.AddressOf(weights));
        Tensor[] gradients = [.. outputs.Select(output => empty_like(output))];
        for (int scale = 0; scale < gradients.Length; scale++)
            call.Gradients[scale] = launcher.AddressOf(gradients[scale]);
        var utilityGradient = utility is null ? null : empty_like(utility);
        var biasGradient = bias is null ? null : empty_like(bias);
        call.UtilityGradient = utilityGradient is null ? 0 : launcher.AddressOf(utilityGradient);
        call.BiasGradient = biasGradient is null ? 0 : launcher.AddressOf(biasGradient);
        var givenGradient = settings.Rule == ScaleWeightRule.Given ? empty([_layout.Batch, outputs.Count], ScalarType.Float32, device) : null;
        call.WeightGradients = givenGradient is null ? 0 : launcher.AddressOf(givenGradient);

        if (settings.Rule != ScaleWeightRule.Equal)
        {
            launcher.Launch("scale_weight_gradients", _layout.Tiles, _layout.Batch, 1, TileThreads, ref call);
            nint gramGradient = call.GramGradient;
            call.GramGradient = IsGame ? 0 : gramGradient;
            launcher.Launch("scale_program_gradients", _layout.Batch, 1, 1, GramThreads, ref call);
            call.GramGradient = gramGradient;
        }
        Tensor? ofGame = null;
        if (IsGame)
        {
            ofGame = settings.Game!.Gradients(givenGradient!, scales);
            call.GramGradient = launcher.AddressOf(ofGame);
        }
        if (settings.UsesGram)
            launcher.Launch("scale_row_gradients", (_layout.Rows + RowsPerBlock - 1) / RowsPerBlock, 1, 1, RowThreads, ref call);
        int threads = Math.Min(TileThreads, ((scales.Width / 2) + WarpThreads - 1) / WarpThreads * WarpThreads);
        int slabs = ((scales.Width / 2) + threads - 1) / threads;
        launcher.Launch("scale_output_gradients", _layout.Chunks, _layout.Batch, slabs, threads, ref call);
        if (_layout.CoarseRows > 0)
            launcher.Launch("scale_coarse_gradients", _layout.CoarseRows, 1, slabs, threads, ref call);
        if (bias is not null)
        {
            launcher.Launch(
                "scale_parameter_gradients", (utility is null ? 0 : (scales.Width + WarpThreads - 1) / WarpThreads) + 1, 1, 1, SumThreads, ref call);
        }
        GC.KeepAlive(upstream);
        GC.KeepAlive(scratch);
        GC.KeepAlive(ofGame);
        var ofGiven = IsGame || givenGradient is null ? null : nn.functional.pad(givenGradient, [0, scales.NumScales - outputs.Count]);
        return (gradients, utilityGradient, biasGradient, ofGiven);
    }

    /// <summary>Computes the shares of the scales, [B, N, S], from gates between neighboring scales, as <see cref="GatedAggregation"/> states them.</summary>
    /// <param name="gates">[B, N_s, D] for every scale but the coarsest of the batch.</param>
    public Tensor Shares(IReadOnlyList<Tensor> gates)
    {
        var weights = empty([_layout.Batch, _layout.Length, scales.NumScales], ScalarType.Float32, gates[0].device);
        var call = NewCall(scales.Forward, gates, null, null);
        call.Weights = scales.Forward.AddressOf(weights);
        int tokensPerBlock = TileThreads / WarpThreads;
        scales.Forward.Launch("scale_shares", (_layout.Length + tokensPerBlock - 1) / tokensPerBlock, _layout.Batch, 1, TileThreads, ref call);
        return weights;
    }

    private ScaleCall NewCall(CudaLauncher launcher, IReadOnlyList<Tensor> outputs, Tensor? utility, Tensor? bias)
    {
        var device = outputs[0].device;
        var call = _layout.NewCall();
        for (int scale = 0; scale < outputs.Count; scale++)
            call.Outputs[scale] = launcher.AddressOf(outputs[scale]);
        nint table = launcher.AddressOf(scales.Hierarchy.Table(device));
        call.Tokens = table;
        call.Available = table + (scales.Hierarchy.Count * _layout.Batch * sizeof(int));
        if (settings.Price > 0 && scales.Costs is { } costs && !IsGame)
        {
            float[] prices = new float[_layout.Batch * outputs.Count];
            for (int i = 0; i < prices.Length; i++)
                prices[i] = (float)(settings.Price * costs[(i / outputs.Count * scales.NumScales) + (i % outputs.Count)]);
            call.Costs = launcher.AddressOf(CudaTables.Get(prices, device));
        }
        call.Utility = utility is null ? 0 : launcher.AddressOf(utility);
        call.Bias = bias is null ? 0 : launcher.AddressOf(bias);
        call.Rule = (int)settings.Rule;
        call.UsesGram = settings.UsesGram ? 1 : 0;
        call.IsSoftmax = settings.IsSoftmax ? 1 : 0;
        (call.Redundancy, call.Temperature, call.Floor) = ((float)settings.Redundancy, (float)settings.Temperature, (float)settings.Floor);
        return call;
    }

    private static Tensor Memory(long bytes, Device device) => empty(Math.Max(1, bytes / sizeof(float)), ScalarType.Float32, device);
}
