using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, H heads, N queries, M keys, K head dim

/// <summary>Softmax attention by libtorch's fused operator.</summary>
/// <remarks>
/// On a GPU the operator may choose cuDNN, which builds a plan for every shape that it has not seen, in 0.1 to 1 s. Batches of documents have a new shape
/// in nearly every step, so cuDNN is left out for them: flash and memory-efficient attention need no plan. Without a bias and with more than
/// <see cref="MaxVariedLength"/> queries, where the shapes are few and the attention itself takes most of the time, the operator chooses freely.
/// </remarks>
internal static class FusedAttention
{
    private const long MaxVariedLength = 2048;

    /// <summary>Computes softmax(query key^T / sqrt(K) + bias) value.</summary>
    /// <param name="query">[B, H, N, K].</param>
    /// <param name="key">[B, H, M, K].</param>
    /// <param name="value">[B, H, M, K].</param>
    /// <param name="bias">[B, H, N, M]; null for none.</param>
    /// <param name="isCausal">Whether a query sees only keys at or before itself.</param>
    /// <returns>[B, H, N, K].</returns>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, Tensor? bias, bool isCausal = false)
    {
        bool hasVariedShapes = query.device_type == DeviceType.CUDA && (bias is not null || query.shape[2] <= MaxVariedLength);
        return hasVariedShapes ? CudnnAttention.Without(Attend) : Attend();

        Tensor Attend() => functional.scaled_dot_product_attention(query, key, value, bias, 0, isCausal);
    }
}
