using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, S scales, D width

/// <summary>
/// The differentiable call of <see cref="TokenGramKernel"/>. Arguments: the number of scales of each of the B * N tokens, then one [B, N, D] per scale.
/// </summary>
internal sealed unsafe class TokenGramFunction : SingleOutputFunction<TokenGramFunction>
{
    private const string AvailableKey = "available";

    /// <summary>Computes G, [B, N, S, S].</summary>
    public static Tensor Apply(int[] available, IReadOnlyList<Tensor> scales) => CallContiguous([available, .. scales]);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        int[] available = (int[])arguments[0];
        Tensor[] scales = [.. arguments.Skip(1).Cast<Tensor>()];
        long[] shape = scales[0].shape;
        var gram = empty([shape[0], shape[1], scales.Length, scales.Length], scales[0].dtype);
        if (gram.dtype == ScalarType.Float32)
            Forward<float>(available, scales, gram);
        else
            Forward<double>(available, scales, gram);
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
        if (upstream.dtype == ScalarType.Float32)
            Backward<float>(available, scales, upstream, scaleGradients);
        else
            Backward<double>(available, scales, upstream, scaleGradients);
        return [null, .. scaleGradients];
    }

    private static void Forward<T>(int[] available, Tensor[] scales, Tensor gram)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        TokenGramKernel.Forward(available, (int)scales[0].shape[2], TensorMemory.Pointers<T>(scales), TensorMemory.Pointer<T>(gram), get_num_threads());

    private static void Backward<T>(int[] available, List<Tensor> scales, Tensor gradient, Tensor[] scaleGradients)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        TokenGramKernel.Backward(
            available, (int)scales[0].shape[2], TensorMemory.Pointers<T>(scales), TensorMemory.Pointer<T>(gradient), TensorMemory.Pointers<T>(scaleGradients),
            get_num_threads());
}
