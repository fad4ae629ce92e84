using System.Runtime.CompilerServices;
using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using Maha.Layers.Tests.Kernels.Cuda;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>What the CUDA kernels of the convolutions are called with. The kernels themselves are checked on a device.</summary>
[Collection(AloneCollection.Name)]
public sealed class CudaConvolutionTests
{
    private const int B = 3, N = 50, D = 16;

    [Fact]
    public void Structures_HaveTheFieldsOfTheSource()
    {
        CudaStructure.AssertSameFields(CudaConvolution.Source, nameof(CudaConvolutionCall), typeof(CudaConvolutionCall));
        CudaStructure.AssertSameFields(CudaConvolution.Source, nameof(CudaConvolutionSums), typeof(CudaConvolutionSums));
        string text = CudaSources.Read(CudaConvolution.Source);
        Assert.Contains($"#define MOST_CHAINS {ChainAddresses.Count}\n", text, StringComparison.Ordinal);
        Assert.Contains($"#define MOST_CONVOLUTIONS {ScaleCount.Max}\n", text, StringComparison.Ordinal);
        Assert.Contains($"#define TAPS {CudaConvolution.Taps}\n", text, StringComparison.Ordinal);
        Assert.InRange(Unsafe.SizeOf<CudaConvolutionSums>(), 1, 4096);
    }

    [Fact]
    public void OnTheProcessor_ThereAreNoKernels()
    {
        using var scope = NewDisposeScope();
        var weights = new ConvolutionWeights(D, D, 3, D);
        Assert.Null(CudaConvolution.TryGet(zeros(B, N, D), weights.Weight, weights.Bias));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Launches_CoverAllRowsOfBothSequences(bool isCausal)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        const int stride = 3;
        int outputLength = isCausal ? N / stride : (N + stride - 1) / stride;
        var launcher = new RecordingLauncher();
        var kernels = new CudaConvolution(launcher);
        using var convolution = new DepthwiseConvolution(D, 3, stride, 1, relu: false, isCausal);
        var rows = CudaTables.Get([50, 7, 0, 17, 3, 0], CPU);
        var call = kernels.NewCall(convolution.Plan(B, N, outputLength), convolution.Weights.Weight, convolution.Weights.Bias, rows, 0, 1, ActivationDrop.None);
        Assert.Equal(B * sizeof(int), call.OutputRows - call.InputRows);
        Assert.Equal(isCausal ? 0 : -1, call.Offset);
        Assert.Equal(0u, call.Dropped);

        var (first, second) = (zeros(B, N, D), zeros(B, N, D));
        var outputs = kernels.Forward(call, first, second);
        Assert.All(outputs, output => Assert.Equal([B, outputLength, D], output.shape));
        var forward = launcher.Launches[0];
        Assert.Equal(("convolve", 2), (forward.Kernel, forward.GridZ));
        Assert.True(forward.GridX * forward.Threads * 4 >= B * outputLength * (D / 4));

        var (gradients, partial) = kernels.Backward(call, (first, null, outputs[0], null), (second, null, outputs[1], second));
        Assert.All(gradients, gradient => Assert.Equal([B, N, D], gradient.shape));
        var parameters = kernels.Sum([partial], first);
        Assert.Equal([[D, 1, 3], [D]], parameters.Select(parameter => parameter.shape));
        var backward = (CudaConvolutionCall)launcher.Calls[1];
        Assert.True(backward.Parts / B * backward.PartRows >= N);
        Assert.Equal([2 * backward.Parts, 4, D], partial.shape);
        Assert.Equal((0, CudaArgument.Address(second)), (backward.Added[0], backward.Added[1]));
        Assert.Equal("convolve_parameters", launcher.Launches[2].Kernel);
    }

    [Fact]
    public void Drops_AreThoseOfDropout()
    {
        using var dropout = new ActivationDropout(0.25);
        dropout.eval();
        Assert.Equal(ActivationDrop.None, dropout.Draw());
        dropout.train();
        manual_seed(5);
        var drop = dropout.Draw();
        Assert.Equal((1u << 30, 4f / 3), (drop.Threshold, drop.KeptFactor));

        // The seed is the one that the module draws for a tensor.
        using var scope = NewDisposeScope();
        var input = ones(1000);
        manual_seed(5);
        Assert.True(DropoutFunction.Apply(input, 0.25, drop.Seed).equal(dropout.call(input)).all().item<bool>());
    }
}
