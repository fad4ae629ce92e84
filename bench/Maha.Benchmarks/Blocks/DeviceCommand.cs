using System.Globalization;
using System.Text;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>
/// <c>device [--trees N] [--windows N] [--scales N] [--only TEXT] [--training] [--out FILE]</c>: the training (with
/// --training nothing else), the blocks, the hierarchical and the windowed attention and the parts of
/// multiscale attention on the CUDA device against the processor, from the same weights: float32 and bfloat16, outputs and gradients, causality, padding, random
/// shapes, trees, windows and scales. Fails where they are further apart than rounding explains.
/// </summary>
/// <remarks>
/// The file keeps what was printed, with the hash of the kernels' sources; a test asks for a file with the hash of the present ones. With <c>--only</c>, of the
/// blocks only those are checked whose names contain a text, and neither trees nor kernels that are not attention.
/// </remarks>
internal static class DeviceCommand
{
    // No dropout: the devices draw different elements.
    private static readonly MahaBlockOptions s_shape = new() { DModel = 64, NumHeads = 2, MaxSequenceLength = 1024, Dropout = 0 };

    private static readonly (string Name, MahaBlockOptions Options)[] s_kinds =
    [
        .. new[] { AggregationKind.Softmax, AggregationKind.ReferenceNash, AggregationKind.Mean, AggregationKind.Gated }.Select(kind => Reference(kind)),
        .. new[] { AggregationKind.Convex, AggregationKind.Nash, AggregationKind.Mean, AggregationKind.Gated }.SelectMany(Multiscale),
        .. Causal("Full", s_shape with { Attention = new FullOptions() }),
        .. Causal("Window", s_shape with { Attention = new WindowOptions { Window = 64 } }),
        ("Hsa", s_shape with { Attention = new HsaOptions() }),
        ("HsaCausal", s_shape with { Attention = new HsaCausalOptions() }),
        ("HsaCausal overlap", s_shape with { Attention = new HsaCausalOptions { Overlap = true } }),
        .. Causal("Full rotary", s_shape with { Attention = new FullOptions(), Positions = PositionKind.Rotary }),
        ("Hsa rotary", s_shape with { Attention = new HsaOptions(), Positions = PositionKind.Rotary }),
        ("HsaCausal rotary", s_shape with { Attention = new HsaCausalOptions(), Positions = PositionKind.Rotary }),
        .. Causal("Maha rotary", s_shape with { Attention = new MahaOptions { Window = 64, NumScales = 4 }, Positions = PositionKind.Rotary }),
        .. Causal("Window rotary", s_shape with { Attention = new WindowOptions { Window = 64 }, Positions = PositionKind.Rotary }),
        ("Window global", s_shape with { Attention = new WindowOptions { Window = 50, GlobalTokens = 130 } }),
        ("Maha recomputed", s_shape with { Attention = new MahaOptions { Window = 64, NumScales = 4 }, RecomputeBlocks = true }),
        ("Maha max pool", s_shape with
        {
            Attention = new MahaOptions { Window = 32, CompressionRatio = 3, Decomposition = DecompositionKind.AdaptiveMaxPool },
        }),
        .. Causal("Maha wide", s_shape with { DModel = 768, NumHeads = 12, Attention = new MahaOptions() }),
        .. Causal("Window wide", s_shape with { DModel = 768, NumHeads = 12, Attention = new WindowOptions() }),
        ("Hsa recomputed", s_shape with { Attention = new HsaOptions(), RecomputeBlocks = true }),
        ("Hsa wide", s_shape with { DModel = 768, NumHeads = 12, Attention = new HsaOptions() }),
        ("HsaCausal wide", s_shape with { DModel = 768, NumHeads = 12, Attention = new HsaCausalOptions() }),
    ];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int trees = reader.Integer("--trees", 60);
        int windows = reader.Integer("--windows", 60);
        int scales = reader.Integer("--scales", 30);
        string only = reader.Text("--only", "");
        bool onlyTraining = reader.Flag("--training");
        string? file = reader.File("--out");
        reader.RefuseLeft();
        if ((only.Length > 0 || onlyTraining) && file is not null)
            throw new UsageException("--out keeps a run of all checks, so it can't be used with --only or --training.");
        if (!cuda.is_available())
            throw new UsageException("the comparison needs a CUDA device, but torch finds none. Build with -p:MahaDevice=cuda on a machine that has one.");
        var report = new DeviceReport(CUDA);
        using (var header = new StringWriter(CultureInfo.InvariantCulture))
        {
            EnvironmentHeader.Print(header);
            report.Line(header.ToString().TrimEnd());
        }
        report.Line($"# {DeviceReport.HashLabel}{CudaSources.Hash()}");
        if (only.Length == 0)
        {
            report.Part("training", () => DeviceTrainingChecks.Run(report));
            report.Part("stored states", () => DeviceStoredStatesChecks.Run(report));
        }
        if (onlyTraining)
            return report.Passed ? ExitCode.Success : ExitCode.Failure;
        if (only.Length == 0)
            report.Part("kernels", () => DeviceKernelChecks.Run(report));
        foreach (var (name, options) in s_kinds.Concat(DeviceMultiscaleChecks.Kinds).Where(kind => kind.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
            report.Part(name, () => DeviceBlockChecks.Run(report, name, options));
        if (only.Length == 0)
            report.Part("trees", () => DeviceTreeChecks.Run(report, trees));
        report.Part("windows", () => DeviceWindowChecks.Run(report, windows));
        report.Part("scales", () => DeviceMultiscaleChecks.Run(report, scales));

        // Without the kernels the checks above compare torch's operators.
        report.Check("kernels used", CudaKernels.Problem is null && CudaKernels.Launches > 0, CudaKernels.Problem ?? $"{CudaKernels.Launches} launches");
        report.Line(report.Passed ? DeviceReport.AllPassed : "some checks failed");
        if (file is not null)
            File.WriteAllText(file, $"# The CUDA device against the processor\n\n    ./bench.sh device\n\n```\n{report.Text}```\n", new UTF8Encoding(false));
        return report.Passed ? ExitCode.Success : ExitCode.Failure;
    }

    private static (string, MahaBlockOptions) Reference(AggregationKind kind) =>
        ($"MahaReference {kind}", s_shape with { Attention = new MahaReferenceOptions { Aggregation = AggregationOptions.Create(kind) } });

    private static (string, MahaBlockOptions)[] Multiscale(AggregationKind kind) => Causal(
        $"Maha {kind}", s_shape with { Attention = new MahaOptions { Window = 64, NumScales = 4, Aggregation = AggregationOptions.Create(kind) } });

    private static (string, MahaBlockOptions)[] Causal(string name, MahaBlockOptions options) =>
        [(name, options), ($"{name} causal", options with { IsCausal = true })];
}
