using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens of the finer scale, D width, r compression ratio

/// <summary>
/// The end of a sequence from which the next coarse tokens are computed: the tokens of the open cell and of the cell before it, at most 2r - 1.
/// </summary>
internal sealed class ReductionTail
{
    private Tensor? _rows; // [B, r + open, D]

    /// <summary>The size in bytes.</summary>
    public long Bytes => _rows is null ? 0 : _rows.numel() * _rows.ElementSize;

    /// <summary>Consumes tokens of the finer scale.</summary>
    /// <param name="tokens">[B, N, D].</param>
    /// <param name="ratio">r.</param>
    /// <param name="reduce">
    /// The operator of the scale. It takes rows that begin at a cell, and the number of whole cells, and returns a coarse token per cell.
    /// </param>
    /// <returns>The coarse tokens that are completed, [B, N', D]; null where none is.</returns>
    public Tensor? Step(Tensor tokens, int ratio, Func<Tensor, int, Tensor> reduce)
    {
        using var scope = NewDisposeScope();

        // The first cell is what lies before the sequence: zeros, like the convolution's own padding.
        var rows = cat([_rows ?? zeros([tokens.shape[0], ratio, tokens.shape[2]], tokens.dtype, tokens.device), tokens], 1);
        int cells = (int)(rows.shape[1] / ratio);
        _rows?.Dispose();
        long kept = ratio * (cells - 1L);
        _rows = rows.narrow(1, kept, rows.shape[1] - kept).clone().DetachFromDisposeScope();
        return cells == 1 ? null : reduce(rows, cells).narrow(1, 1, cells - 1).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the rows.</summary>
    public void Free() => _rows?.Dispose();
}
