using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens of the finer scale, D width, r compression ratio

/// <summary>The end of a sequence of which the next coarse tokens are made: the tokens of the open cell and of the cell before it, at most 2r - 1.</summary>
internal sealed class ReductionTail
{
    private Tensor? _rows; // [B, r + open, D]

    /// <summary>The size in bytes.</summary>
    public long Bytes => _rows is null ? 0 : _rows.numel() * _rows.ElementSize;

    /// <summary>Takes tokens of the finer scale up.</summary>
    /// <param name="tokens">[B, N, D].</param>
    /// <param name="ratio">r.</param>
    /// <param name="reduce">The operator of the scale: rows that begin at a cell, and the number of whole cells, to a coarse token a cell.</param>
    /// <returns>The coarse tokens that they complete, [B, N', D]; null where they complete none.</returns>
    public Tensor? Step(Tensor tokens, int ratio, Func<Tensor, int, Tensor> reduce)
    {
        using var scope = NewDisposeScope();

        // The first cell stands for what lies before the sequence: zeros, as the convolution's own padding.
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
