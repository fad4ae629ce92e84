using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, S scales, D width

/// <summary>The differentiable call of <see cref="TokenGramKernel"/>. Arguments: the scales that each of the B * N tokens has, then one [B, N, D] per scale.</summary>
internal sealed unsafe class TokenGramFunction : SingleOutputFunction<TokenGramFunction>
{
    private const string AvailableKey = "available";

    /// <summary>G, [B, N, S, S].</summary>
    public static Tensor Apply(int[] available, IReadOnlyList<Tensor> scales) => CallContiguous([available, .. scales]);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        int[] available = (int[])arguments[0];
        Tensor[] scales = [.. arguments.Skip(1).Cast<Tensor>()];
        long[] shape = scales[0].shape;
        var gram = empty([shape[0], shape[1], scales.Length, scales.Length], scales[0].dtype);
        if (gram.dtype == ScalarType.Float32)
            TokenGramKernel.Forward(available, (int)shape[2], TensorMemory.Pointers<float>(scales), TensorMemory.Pointer<float>(gram), get_num_threads());
        else
            TokenGramKernel.Forward(available, (int)shape[2], TensorMemory.Pointers<double>(scales), TensorMemory.Pointer<double>(gram), get_num_threads());
        GC.KeepAlive(scales);
        ctx.save_for_backward([.. scales]);
        ctx.save_data(AvailableKey, available);
        return gram;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var scales = ctx.get_saved_variables();
        int[] available = (int[])ctx.get_data(AvailableKey);
        var upstream = gradient.contiguous();
        Tensor[] scaleGradients = [.. scales.Select(scale => empty_like(scale))];
        int width = (int)scales[0].shape[2];
        if (upstream.dtype == ScalarType.Float32)
        {
            TokenGramKernel.Backward(
                available, width, TensorMemory.Pointers<float>(scales), TensorMemory.Pointer<float>(upstream), TensorMemory.Pointers<float>(scaleGradients), get_num_threads());
        }
        else
        {
            TokenGramKernel.Backward(
                available, width, TensorMemory.Pointers<double>(scales), TensorMemory.Pointer<double>(upstream), TensorMemory.Pointers<double>(scaleGradients), get_num_threads());
        }
        return [null, .. scaleGradients];
    }
}
