using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width

/// <summary>Queries, keys and values of a mixer: three tensors [B, N, D], or one of [B, N, 3 * D] that holds them side by side.</summary>
/// <remarks>One tensor is the result of one matrix product, and its gradient is one tensor. A part of it is made only where it is asked for.</remarks>
/// <param name="tensors">The three tensors, or the one.</param>
internal readonly struct TreeOperands(params Tensor[] tensors)
{
    /// <summary>The three tensors, or the one.</summary>
    public Tensor[] Tensors => tensors;

    /// <summary>Whether one tensor holds all.</summary>
    public bool IsPacked => tensors.Length == 1;

    /// <summary>[B, N, D].</summary>
    public Tensor Query => Part(0);

    /// <summary>[B, N, D].</summary>
    public Tensor Key => Part(1);

    /// <summary>[B, N, D].</summary>
    public Tensor Value => Part(2);

    /// <summary>The tensor that holds the queries.</summary>
    public Tensor First => tensors[0];

    /// <summary>D.</summary>
    public long Width => tensors[0].shape[2] / (IsPacked ? 3 : 1);

    private Tensor Part(int index) => IsPacked ? tensors[0].narrow(2, index * Width, Width) : tensors[index];
}
