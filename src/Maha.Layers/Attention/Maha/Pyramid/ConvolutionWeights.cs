using Maha.Layers.Weights;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// D input width, E output width, k kernel size, g groups

/// <summary>The weights of a convolution over tokens, W [E, D / g, k] and b [E], with the names and the initialization of libtorch's own layer.</summary>
/// <remarks>
/// Both are uniform in [-1 / sqrt(k D / g), 1 / sqrt(k D / g)]. libtorch's layer is not used, so that nothing can call it: see <see cref="DenseConvolution"/>.
/// </remarks>
internal sealed class ConvolutionWeights : Module
{
    // Not readonly: a move to another type or device replaces the parameters.
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;

    /// <summary>Creates random weights.</summary>
    /// <param name="inputs">D.</param>
    /// <param name="outputs">E.</param>
    /// <param name="kernelSize">k.</param>
    /// <param name="groups">g, a divisor of D and E; an output depends only on the inputs of its group.</param>
    public ConvolutionWeights(int inputs, int outputs, int kernelSize, int groups = 1) : base(nameof(ConvolutionWeights))
    {
        _weight = Parameter(empty(outputs, inputs / groups, kernelSize));
        _bias = Parameter(empty(outputs));
        init.kaiming_uniform_(_weight, Math.Sqrt(5));
        double bound = 1 / Math.Sqrt((double)inputs / groups * kernelSize);
        init.uniform_(_bias, -bound, bound);
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>W, [E, D / g, k].</summary>
    public Parameter Weight => _weight;

    /// <summary>b, [E].</summary>
    public Parameter Bias => _bias;
}
