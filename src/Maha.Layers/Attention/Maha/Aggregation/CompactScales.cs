using System.Collections;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>The outputs of the scales at their own lengths, for aggregations that need no upsampled copies.</summary>
/// <param name="Outputs">O_s, [B, N_s, D] each, the finest first; only the scales that the batch uses.</param>
/// <param name="Hierarchy">The lengths.</param>
/// <param name="NumScales">S of the model; the weights of scales that the batch does not use are 0.</param>
internal sealed record CompactScales(IReadOnlyList<Tensor> Outputs, ScaleHierarchy Hierarchy, int NumScales)
{
    /// <summary>The memory layout for the kernels.</summary>
    public ScalePlan Plan { get; } = new((int)Outputs[0].shape[0], Hierarchy.Lengths[0], (int)Outputs[0].shape[2], Hierarchy.Cells, Hierarchy.Lengths);

    /// <summary>Whether the kernels can run on the outputs.</summary>
    public bool Reachable => TensorMemory.Reachable(Outputs[0]);

    /// <summary>Returns the compact form of scale outputs: that of the mixer, or upsampled outputs as scales without compression.</summary>
    /// <exception cref="ArgumentException">A token comes after padding, or availability differs between tokens or has gaps.</exception>
    public static CompactScales From(ScaleOutputs scales, int numScales)
    {
        if (scales.IsCausal)
        {
            throw new ArgumentException(
                "this aggregation shares weights between the tokens of a document, but a causal model was asked for. Choose another aggregation.",
                nameof(scales));
        }
        if (scales.Compact is { } compact)
            return compact;
        long[] shape = scales.Upsampled[0].shape;
        int[] lengths = DocumentLengths.Read(scales.KeyPaddingMask, shape[0], shape[1]);
        var hierarchy = new ScaleHierarchy(lengths, (int)shape[1], Available(scales, numScales));
        return new CompactScales([.. scales.Upsampled.Take(hierarchy.Count)], hierarchy, numScales);
    }

    private static int[] Available(ScaleOutputs scales, int numScales)
    {
        int[] available = new int[scales.Upsampled[0].shape[0]];
        Array.Fill(available, numScales);
        if (scales.UnavailableScales is not { } unavailable)
            return available;
        if (unavailable.dim() != 2)
        {
            throw new ArgumentException(
                "UnavailableScales must have the shape [batch, scales] here, where a document's tokens share their scales, "
                + $"but has {TensorChecks.Show(unavailable.shape)}.",
                nameof(scales));
        }
        using var scope = NewDisposeScope();
        var flags = unavailable.cpu().contiguous().bytes;
        for (int document = 0; document < available.Length; document++)
        {
            var row = flags.Slice(document * numScales, numScales);
            int missing = row.IndexOf((byte)1);
            if (missing == 0 || (missing > 0 && row[missing..].Contains((byte)0)))
            {
                throw new ArgumentException(
                    "UnavailableScales must leave out the coarsest scales of a document, "
                    + $"but document {document} leaves out scale {missing} and keeps a coarser one.",
                    nameof(scales));
            }
            available[document] = missing < 0 ? numScales : missing;
        }
        return available;
    }

    /// <summary>Returns the rows of a scale for every token: row i is row floor(i / r^s) of <paramref name="rows"/> [B, N_s, ...].</summary>
    public Tensor Upsample(Tensor rows, int scale)
    {
        long cell = Hierarchy.Cells[scale];
        if (cell == 1)
            return rows.alias();
        using var scope = NewDisposeScope();
        long[] shape = [.. Enumerable.Repeat(-1L, (int)rows.dim() + 1)];
        shape[2] = cell;
        return rows.unsqueeze(2).expand(shape).flatten(1, 2).narrow(1, 0, Hierarchy.Lengths[0]).MoveToOuterDisposeScope();
    }

    /// <summary>Computes sum over s of weights[.., s] * U(O_s), [B, N, D], 0 past a document's end; weights [B, S] or [B, N, S].</summary>
    public Tensor Mix(Tensor weights)
    {
        using var scope = NewDisposeScope();
        long batch = Plan.Batch, length = Plan.Length;
        var perToken = weights.dim() == 2 ? weights.unsqueeze(1).expand(batch, length, NumScales) : weights; // [B, N, S]
        perToken = perToken.narrow(2, 0, Outputs.Count);
        if (Reachable)
            return ScaleMixFunction.Apply(Plan, Hierarchy.ValidLengths[0], Hierarchy.Available, perToken, Outputs).MoveToOuterDisposeScope();

        // The tokens are padded to whole cells of the coarsest scale, so that a scale's row is broadcast to the weights of its cell without a copy for every
        // token.
        long cells = Hierarchy.Lengths[^1], whole = cells * Hierarchy.Cells[^1];
        var padded = whole == length ? perToken : functional.pad(perToken, [0, 0, 0, whole - length]);
        Tensor? sum = null; // [B, N', D]
        for (int scale = 0; scale < Outputs.Count; scale++)
        {
            long rows = whole / Hierarchy.Cells[scale];
            var output = Outputs[scale].shape[1] == rows ? Outputs[scale] : functional.pad(Outputs[scale], [0, 0, 0, rows - Outputs[scale].shape[1]]);
            var weight = padded.select(2, scale).unflatten(1, rows, Hierarchy.Cells[scale]).unsqueeze(-1); // [B, N_s, r^s, 1]
            sum = sum is null
                ? output * weight.squeeze(2)
                : sum.unflatten(1, rows, Hierarchy.Cells[scale]).addcmul(output.unsqueeze(2), weight, 1).flatten(1, 2);
        }
        return TokenMasks.Clear(sum!.narrow(1, 0, length), Hierarchy.ValidLengths[0]).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes G [B, S', S'] over the S' scales that the batch uses: the mean over valid tokens of the products of the RMS-normalized outputs, divided by D.
    /// </summary>
    public Tensor Gram() => Reachable ? ScaleGramFunction.Apply(Plan, Hierarchy.ValidLengths[0], Hierarchy.Available, Outputs) : GramFallback();

    /// <summary>
    /// Computes the same by tensor operators: the product of a fine and a coarse scale is that of the coarse row with the sum of the fine rows in its cell.
    /// </summary>
    public Tensor GramFallback()
    {
        using var scope = NewDisposeScope();
        int[] valid = Hierarchy.ValidLengths[0];
        var type = Outputs[0].dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var rows = cat([.. Outputs.Select((output, scale) => TokenMasks.Clear(output, Hierarchy.ValidLengths[scale]))], 1).to(type); // [B, sum of N_s, D]
        var units = rows * (rows.square().mean([-1], keepdim: true) + RmsNormalization.Epsilon).rsqrt();
        var lines = new Tensor[Outputs.Count]; // line m: <R_s, R_m> of the scales s <= m, [B, m + 1]
        Tensor? sums = null; // [B, m, N_m, D]: R_s summed over the valid tokens of the cells of scale m
        long start = 0;
        for (int scale = 0; scale < Outputs.Count; scale++)
        {
            long count = Outputs[scale].shape[1];
            var unit = units.narrow(1, start, count); // [B, N_m, D]
            start += count;
            var own = (unit * Tokens(scale, count, type, unit.device)).unsqueeze(1);
            sums = sums is null ? own : cat([Pooled(sums, count), own], 1);
            lines[scale] = sums.flatten(2).CheckedMatmul(unit.flatten(1).unsqueeze(-1)).squeeze(-1);
        }
        var lower = stack([.. lines.Select(line => functional.pad(line, [0, Outputs.Count - line.shape[1]]))], 1); // [B, S', S'], 0 above the diagonal
        var counts = tensor([.. valid.Select(n => Math.Max(1.0, n) * Plan.Width)], [Plan.Batch, 1, 1], device: rows.device).to(type);
        return ((lower + lower.tril(-1).transpose(1, 2)) / counts).MoveToOuterDisposeScope();

        Tensor Pooled(Tensor fine, long count)
        {
            long missing = (count * Hierarchy.Ratio) - fine.shape[2];
            var even = missing <= 0 ? fine : functional.pad(fine, [0, 0, 0, missing]);
            return Hierarchy.Ratio == 1 ? even.alias() : even.unflatten(2, count, Hierarchy.Ratio).sum([3]);
        }
    }

    // The number of valid tokens under every row of a scale: [B, N_s, 1], 0 for documents that don't use it, or a single number where all cells are full.
    private Tensor Tokens(int scale, long count, ScalarType type, Device device)
    {
        long cell = Hierarchy.Cells[scale];
        int[] covered = [.. Hierarchy.ValidLengths[0].Select((n, document) => scale < Hierarchy.Available[document] ? n : 0)];
        if (covered.All(n => n >= count * cell))
            return full([1, 1, 1], cell, type, device);
        using var scope = NewDisposeScope();
        var ends = tensor([.. covered.Select(n => (long)n)], [covered.Length, 1], device: device);
        var starts = arange(count, dtype: ScalarType.Int64, device: device) * cell;
        return (ends - starts).clamp(0, cell).to(type).unsqueeze(-1).MoveToOuterDisposeScope();
    }

    /// <summary>Returns [B, S] booleans on a device, true = the document does not use the scale.</summary>
    public Tensor Unavailable(Device device)
    {
        bool[] flags = new bool[Hierarchy.Available.Length * NumScales];
        for (int i = 0; i < flags.Length; i++)
            flags[i] = i % NumScales >= Hierarchy.Available[i / NumScales];
        return tensor(flags, [Hierarchy.Available.Length, NumScales], device: device);
    }

    /// <summary>Returns the upsampled outputs as a list that creates each entry on first use.</summary>
    public IReadOnlyList<Tensor> Upsampled() => new LazyList(this);

    private sealed class LazyList(CompactScales compact) : IReadOnlyList<Tensor>
    {
        private readonly Tensor?[] _created = new Tensor?[compact.NumScales];

        public int Count => _created.Length;

        // A scale that no document uses is zeros.
        public Tensor this[int index] => _created[index] ??= index < compact.Outputs.Count
            ? compact.Upsample(compact.Outputs[index], index)
            : zeros_like(compact.Outputs[0]);

        public IEnumerator<Tensor> GetEnumerator()
        {
            for (int i = 0; i < Count; i++)
                yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
