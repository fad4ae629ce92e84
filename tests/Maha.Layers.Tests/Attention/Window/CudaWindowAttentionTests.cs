using System.Runtime.CompilerServices;
using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using Maha.Layers.Tests.Kernels.Cuda;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>What the CUDA kernels of windowed attention are called with. The kernels themselves are checked on a device.</summary>
public sealed class CudaWindowAttentionTests
{
    private const int B = 2, H = 3, K = 32, D = H * K;

    public static TheoryData<string, Type> Structures => new() { { "WindowScale", typeof(WindowScale) }, { "WindowCall", typeof(WindowCall) } };

    [Theory]
    [MemberData(nameof(Structures))]
    public void Structures_HaveTheFieldsOfTheSource(string name, Type type) => CudaStructure.AssertSameFields("window_call.cuh", name, type);

    [Fact]
    public void TheCall_FitsIntoAKernelsArguments()
    {
        string text = CudaSources.Read("window_call.cuh");
        Assert.Contains($"#define MAX_SCALES {WindowCall.MaxScales}\n", text, StringComparison.Ordinal);
        Assert.Contains($"#define MAX_LENGTHS {WindowCall.MaxLengths}\n", text, StringComparison.Ordinal);
        Assert.Equal(96, Unsafe.SizeOf<WindowScale>());
        Assert.InRange(Unsafe.SizeOf<WindowCall>(), 1, 4096);
    }

    [Fact]
    public void Options_SelectTheKernels()
    {
        Assert.Equal("-DHEAD_DIM=64 -DBF16=1 -DGROUPS=1 -DSTREAM_ROWS=64", WindowTiles.For(ScalarType.BFloat16, 64, 90).Options);
        Assert.Equal("-DHEAD_DIM=64 -DBF16=1 -DGROUPS=0 -DSTREAM_ROWS=64", WindowTiles.For(ScalarType.BFloat16, 64, 100).Options);
        Assert.Equal("-DHEAD_DIM=128 -DBF16=0 -DGROUPS=0 -DSTREAM_ROWS=16", WindowTiles.For(ScalarType.Float32, 128, 90).Options);
        Assert.Same(WindowTiles.For(ScalarType.Float32, 32, 80), WindowTiles.For(ScalarType.Float32, 32, 80));
        Assert.False(WindowTiles.IsSupported(ScalarType.Float32, 48));
        Assert.False(WindowTiles.IsSupported(ScalarType.Float64, 64));
    }

    // The limit of the GPUs of capability 8.6 is the lowest of those that the kernels run on.
    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    public void SharedMemory_IsThatOfEveryGpu(int headDim)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            var tiles = WindowTiles.For(type, headDim, 86);
            Assert.All([tiles.ForwardSharedBytes, tiles.BackwardSharedBytes], bytes => Assert.InRange(bytes, 1, 99 * 1024));
        }
    }

    [Fact]
    public void OtherScalesThanTheKernelsCompute_AreRefused()
    {
        var plan = new WindowPlan(B, 40, H, K, 8, Causal: false);
        Assert.True(CudaWindowAttention.IsSupported([plan]));
        Assert.True(CudaWindowAttention.IsSupported([plan, plan with { Length = 20 }]));
        Assert.True(CudaWindowAttention.IsSupported([plan with { Window = 0 }]));
        Assert.True(CudaWindowAttention.IsSupported([plan with { Band = true, GlobalKeys = 3 }]));
        Assert.False(CudaWindowAttention.IsSupported([plan, plan with { Heads = 1 }]));
        Assert.False(CudaWindowAttention.IsSupported([plan, plan with { Causal = true }]));
        Assert.False(CudaWindowAttention.IsSupported([plan with { GlobalKeys = 3 }, plan with { GlobalKeys = 3 }]));
        Assert.False(CudaWindowAttention.IsSupported([plan with { Window = 0, Band = true }]));
        Assert.False(CudaWindowAttention.IsSupported([.. Enumerable.Repeat(plan, WindowCall.MaxScales + 1)]));
    }

    [Fact]
    public void TensorsOnTheProcessor_UseNoCudaKernels()
    {
        using var scope = NewDisposeScope();
        var plan = new WindowPlan(B, 40, H, K, 8, Causal: false);
        var operands = new WindowOperands(zeros(B, 40, 2 * D), zeros(B, 40, D), plan, [40, 40]);
        Assert.Null(CudaWindowAttention.TryCreate([operands]));
        Assert.Equal([B, 40, D], WindowAttention.ApplyAll([operands, operands])[1].shape);
    }

    [Fact]
    public void APass_IsOneLaunchForwardAndTwoBackward_OverAllScales()
    {
        using var scope = NewDisposeScope();
        WindowPlan[] plans = [.. new[] { 300, 150 }.Select(length => new WindowPlan(B, length, H, K, 128, Causal: true))];
        int[][] lengths = [[300, 17], [150, 9]];
        var kernels = new RecordedKernels(ScalarType.Float32, K);
        var attention = new CudaWindowAttention(kernels, plans, lengths);

        // Views into wider rows are read in place.
        var wide = plans.Select(plan => zeros(B, plan.Length, 3 * D)).ToArray();
        Tensor[] operands = [.. wide.Select(rows => rows.narrow(2, 0, 2 * D)), .. wide.Select(rows => rows.narrow(2, 2 * D, D))];
        Assert.All(operands, operand => Assert.Same(operand, attention.Readable(operand)));
        var (outputs, state) = attention.Forward(operands);
        var results = attention.Backward(operands, outputs, state, [ones(B, 300, D), null]);

        Assert.Equal(["window_forward", "window_query_gradients", "window_key_gradients"], kernels.Calls.Select(call => call.Name));
        Assert.All(kernels.Calls, call => Assert.Equal(B * H * (5 + 3), call.Blocks)); // tiles of 64 rows
        var last = kernels.Calls[^1].Call;
        Assert.Equal((2, B, H, 0, 0, 1), (last.ScaleCount, last.Batch, last.Heads, last.GlobalKeys, last.Band, last.Causal));
        Assert.Equal([300, 17, 150, 9], ((ReadOnlySpan<int>)last.Lengths)[..4].ToArray());
        for (int scale = 0; scale < 2; scale++)
        {
            var fields = last.Scales[scale];
            nint address = CudaArgument.Address(wide[scale]);
            Assert.Equal((address, address + (D * 4), address + (2 * D * 4)), (fields.Query, fields.Key, fields.Value));
            Assert.Equal((3 * D, 3 * D, D), (fields.QueryStride, fields.ValueStride, fields.GradientStride));
            Assert.Equal((plans[scale].Length, 128), (fields.Length, fields.Window));
            Assert.Equal(CudaArgument.Address(outputs[scale]), fields.Output);
            Assert.Equal((CudaArgument.Address(results[scale]), CudaArgument.Address(results[2 + scale])), (fields.QueryGradient, fields.ValueGradient));
            Assert.Equal([B, plans[scale].Length, 2 * D], results[scale].shape);
        }
        Assert.Equal(B * H * 300 * sizeof(float), last.Scales[1].LogSums - last.Scales[0].LogSums);
        Assert.Equal(B * H * 300 * sizeof(float), last.Scales[1].RowDots - last.Scales[0].RowDots);
    }

    [Fact]
    public void GlobalKeys_HaveTasksOfTheirOwn()
    {
        using var scope = NewDisposeScope();
        const int length = 3000, global = 70;
        var kernels = new RecordedKernels(ScalarType.BFloat16, 64);
        var attention = new CudaWindowAttention(
            kernels, [new WindowPlan(1, length, 1, 64, 128, Causal: false, Band: true, GlobalKeys: global)], [[length]]);
        Tensor[] operands = [zeros([1, length, 128], ScalarType.BFloat16), zeros([1, length, 64], ScalarType.BFloat16)];
        var (outputs, state) = attention.Forward(operands);
        attention.Backward(operands, outputs, state, [zeros([1, length, 64], ScalarType.BFloat16)]);
        Assert.Equal([47, 47, 47 + (2 * 3)], kernels.Calls.Select(call => call.Blocks));
        var last = kernels.Calls[^1].Call;
        Assert.Equal((global, 3, 1), (last.GlobalKeys, last.Chunks, last.Band));
        Assert.Equal(3 * 2 * global * 64 * sizeof(float), last.Arrived - last.Partials);
    }

    [Fact]
    public void ManyDocuments_HaveATableOfLengths()
    {
        using var scope = NewDisposeScope();
        const int batch = WindowCall.MaxLengths + 1;
        var kernels = new RecordedKernels(ScalarType.Float32, K);
        var attention = new CudaWindowAttention(kernels, [new WindowPlan(batch, 1, 1, K, 4, Causal: false)], [[.. Enumerable.Repeat(1, batch)]]);
        attention.Forward([zeros(batch, 1, 2 * K), zeros(batch, 1, K)]);
        Assert.NotEqual(0, kernels.Calls.Single().Call.LengthTable);
    }

    [Fact]
    public void OperandsThatTheKernelsCannotRead_AreCopied()
    {
        using var scope = NewDisposeScope();
        var attention = new CudaWindowAttention(
            new RecordedKernels(ScalarType.Float32, K), [new WindowPlan(B, 5, H, K, 8, Causal: false)], [[5, 5]]);
        Tensor[] unreadable =
        [
            zeros(5, B, D).transpose(0, 1), zeros(B, D, 5).transpose(1, 2), zeros(B, 1, D).expand(B, 5, D),
            zeros((B * 5 * D) + 1).narrow(0, 1, B * 5 * D).view(B, 5, D),
        ];
        foreach (var operand in unreadable)
        {
            var copy = attention.Readable(operand);
            Assert.NotSame(operand, copy);
            Assert.True(copy.is_contiguous());
            Assert.Equal(0, CudaArgument.Address(copy) % 16);
        }
    }

    private sealed class RecordedKernels(ScalarType type, int headDim) : WindowKernels(WindowTiles.For(type, headDim, 90))
    {
        public List<(string Name, long Blocks, WindowCall Call)> Calls { get; } = [];

        public override void Launch(bool isBackward, string name, long blocks, int sharedBytes, ref WindowCall call)
        {
            int expected = isBackward ? Tiles.BackwardSharedBytes : Tiles.ForwardSharedBytes;
            Assert.Equal((name != "window_forward", expected), (isBackward, sharedBytes));
            Assert.Contains($" {name}(", CudaSources.Read(isBackward ? "window_backward.cu" : "window_forward.cu"), StringComparison.Ordinal);
            Calls.Add((name, blocks, call));
        }

        public override nint AddressOf(Tensor tensor) => CudaArgument.Address(tensor);
    }
}
