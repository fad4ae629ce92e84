using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using Maha.Layers.Tests.Kernels.Cuda;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>What the CUDA kernels of the aggregation are called with. The kernels themselves are checked on a device.</summary>
public sealed partial class CudaScaleTests
{
    private const int D = 64;
    private static readonly int[] s_lengths = [300, 0, 211];

    [Fact]
    public void TheCall_HasTheFieldsOfTheSource()
    {
        CudaStructure.AssertSameFields("scale_call.cuh", nameof(ScaleCall), typeof(ScaleCall));
        string text = CudaSources.Read("scale_call.cuh");
        Assert.Contains($"#define MOST_SCALES {ScaleCount.Max}\n", text, StringComparison.Ordinal);
        Assert.Contains($"#define TILE_TOKENS {CudaScaleLayout.TileTokens}\n", text, StringComparison.Ordinal);
        foreach (var rule in Enum.GetValues<ScaleWeightRule>())
            Assert.Contains($"#define WEIGHTS_{rule.ToString().ToUpperInvariant()} {(int)rule} ", text, StringComparison.Ordinal);
        double epsilon = double.Parse(Epsilon().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Equal(RmsNormalization.Epsilon, epsilon, 1e-12);
        Assert.InRange(Unsafe.SizeOf<ScaleCall>(), 1, 4096);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(4, 4)]
    [InlineData(5, 8)]
    [InlineData(9, 12)]
    [InlineData(12, 12)]
    public void Kernels_AreCompiledForAFewNumbersOfScales(int numScales, int expected) => Assert.Equal(expected, CudaScales.MaxScalesFor(numScales));

    [Fact]
    public void OtherTensorsThanTheKernelsRead_AreRefused()
    {
        Assert.True(CudaScales.IsSupported(ScalarType.BFloat16, 768));
        Assert.True(CudaScales.IsSupported(ScalarType.Float32, 12));
        Assert.False(CudaScales.IsSupported(ScalarType.BFloat16, 12));
        Assert.False(CudaScales.IsSupported(ScalarType.Float32, 1028));
        Assert.False(CudaScales.IsSupported(ScalarType.Float64, 64));
        using var scope = NewDisposeScope();
        Assert.Null(CudaScales.TryCreate([zeros(1, 8, D)], new ScaleHierarchy([8], 8, 1, 2, 4), 1, null));
    }

    // Every cell of a scale lies in one chunk, or consists of whole chunks, and a chunk has no more rows than the kernels hold.
    [Theory]
    [InlineData(2, 12, false)]
    [InlineData(2, 12, true)]
    [InlineData(3, 6, false)]
    [InlineData(7, 3, true)]
    [InlineData(64, 2, false)]
    [InlineData(2, 1, false)]
    [InlineData(2, 3, true)]
    public void Chunks_FitTheCells(int ratio, int numScales, bool isCausal)
    {
        using var scope = NewDisposeScope();
        var (scales, _) = Create(ratio, numScales, isCausal);
        var layout = new CudaScaleLayout(scales);
        var call = layout.NewCall();
        Assert.InRange(layout.Chunk, 1, 64);
        for (int scale = 0; scale < call.Scales; scale++)
            Assert.Equal(0, scale < layout.ChunkScales ? layout.Chunk % call.Cells[scale] : call.Cells[scale] % layout.Chunk);
        Assert.InRange(Enumerable.Range(0, layout.ChunkScales).Sum(scale => layout.Chunk / scales.Hierarchy.Cells[scale]), 1, 128);
        Assert.True(layout.Chunks * layout.Chunk >= layout.Length + call.Shift);
        Assert.Equal(isCausal ? 1 : 0, call.Shift);
        Assert.Equal(scales.Outputs.Sum(output => output.numel()) / D, layout.Rows);
        Assert.Equal(layout.Rows - layout.CoarseRows, layout.ChunkScales < call.Scales ? call.RowStart[layout.ChunkScales] : layout.Rows);
    }

    [Fact]
    public void Arrays_DoNotOverlap()
    {
        using var scope = NewDisposeScope();
        var (scales, _) = Create(2, 12, isCausal: false);
        var layout = new CudaScaleLayout(scales);
        var call = layout.NewCall();
        var settings = new CudaScaleSettings(ScaleWeightRule.Token) { UsesGram = true, HasUtility = true };
        long bytes = layout.PlaceState(ref call, settings, keepsState: true, 4096);
        long without = layout.PlaceState(ref call, settings, keepsState: false, 4096);
        Assert.Equal((0, 0), (call.Products, call.Supports));
        layout.PlaceState(ref call, settings, keepsState: true, 4096);
        nint[] starts = [call.Inverses, call.Utilities, call.Gram, call.Supports, call.Products];
        Assert.Equal(starts.Order(), starts);
        Assert.InRange(call.Utilities - call.Inverses - (layout.Rows * sizeof(float)), 0, 12);
        Assert.InRange(4096 + bytes - call.Products - (layout.Rows * call.Scales * sizeof(float)), 0, 12);
        Assert.True(without < bytes);
        Assert.Equal(0, call.DocumentUtilities);
    }

    [Theory]
    [InlineData("Equal", false, false, "scale_mix", "scale_output_gradients scale_coarse_gradients")]
    [InlineData("Given", false, false, "scale_mix", "scale_weight_gradients scale_program_gradients scale_output_gradients scale_coarse_gradients")]
    [InlineData("Token", true, false, "scale_rows scale_gram scale_mix", "scale_weight_gradients scale_program_gradients scale_row_gradients "
        + "scale_output_gradients scale_coarse_gradients scale_parameter_gradients")]
    [InlineData("Document", true, false, "scale_rows scale_gram scale_mix", "scale_weight_gradients scale_program_gradients scale_row_gradients "
        + "scale_output_gradients scale_coarse_gradients scale_parameter_gradients")]
    [InlineData("Token", true, true, "scale_rows scale_mix", "scale_weight_gradients scale_program_gradients scale_row_gradients scale_output_gradients "
        + "scale_coarse_gradients scale_parameter_gradients")]
    public void Launches_AreThoseOfTheRule(string name, bool usesGram, bool isCausal, string expectedForward, string expectedBackward)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (scales, launcher) = Create(2, 12, isCausal);
        var rule = Enum.Parse<ScaleWeightRule>(name);
        var settings = new CudaScaleSettings(rule) { UsesGram = usesGram, HasUtility = usesGram, Price = 0.5 };
        var aggregation = new CudaScaleAggregation(scales, settings);
        var (utility, bias) = usesGram ? (zeros(D), zeros(12)) : (null, (Tensor?)null);
        var given = rule == ScaleWeightRule.Given ? zeros(3, 12) : null;
        var (mixed, weights, residuals, _, state) = aggregation.Forward(scales.Outputs, utility, bias, given, keepsState: true);
        Assert.Equal(expectedForward, string.Join(' ', launcher.Kernels));
        Assert.Equal([3, 300, D], mixed.shape);
        Assert.Equal(rule == ScaleWeightRule.Token ? [3, 300, 12] : [3, 12], weights.shape);
        Assert.Equal([3], residuals.shape);
        var call = (ScaleCall)launcher.Calls[^1];
        Assert.Equal(CudaArgument.Address(scales.Outputs[1]), call.Outputs[1]);
        Assert.Equal((call.Scales * 3 * sizeof(int), (int)rule), (call.Available - call.Tokens, call.Rule));
        Assert.NotEqual(0, call.Costs);

        launcher.Launches.Clear();
        var (gradients, byUtility, byBias, byGiven) = aggregation.Backward(scales.Outputs, utility, bias, weights, state, mixed);
        Assert.Equal(expectedBackward, string.Join(' ', launcher.Kernels));
        Assert.Equal(scales.Outputs.Select(output => output.shape), gradients.Select(gradient => gradient.shape));
        Assert.Equal([utility?.shape, bias?.shape, given?.shape], new[] { byUtility?.shape, byBias?.shape, byGiven?.shape });
        long walk = launcher.Launches.Single(launch => launch.Kernel == "scale_output_gradients").GridX;
        Assert.Equal((300 + call.Shift + call.Chunk - 1) / call.Chunk, walk);
    }

    private static (CudaScales Scales, RecordingLauncher Launcher) Create(int ratio, int numScales, bool isCausal)
    {
        var hierarchy = isCausal
            ? ScaleHierarchy.Causal(s_lengths, s_lengths[0], numScales, ratio)
            : new ScaleHierarchy(s_lengths, s_lengths[0], numScales, ratio, window: 1);
        var outputs = hierarchy.Lengths.Select(length => zeros(s_lengths.Length, length, D)).ToList();
        var launcher = new RecordingLauncher();
        double[] costs = [.. Enumerable.Repeat(0.1, s_lengths.Length * numScales)];
        return (new CudaScales(outputs, hierarchy, numScales, costs, launcher, launcher), launcher);
    }

    [GeneratedRegex(@"#define EPSILON (\S+)f ")]
    private static partial Regex Epsilon();
}
