using System.Collections;
using Maha.Layers.Attention;
using Maha.Layers.Decomposition;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Aggregation;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>The outputs of the scales at their own lengths, for strategies that need no upsampled copies.</summary>
/// <param name="Outputs">O_s, [B, N_s, D] each, the finest first; only the scales that the batch uses.</param>
/// <param name="Hierarchy">The lengths.</param>
/// <param name="NumScales">S of the model; the weights of scales that the batch does not use are 0.</param>
internal sealed record CompactScales(IReadOnlyList<Tensor> Outputs, ScaleHierarchy Hierarchy, int NumScales)
{
    /// <summary>The geometry for the kernels.</summary>
    public ScalePlan Plan { get; } = new((int)Outputs[0].shape[0], Hierarchy.Lengths[0], (int)Outputs[0].shape[2], Hierarchy.Cells, Hierarchy.Lengths);

    /// <summary>Whether the kernels can run.</summary>
    public bool Reachable => TensorMemory.Reachable(Outputs[0]);

    /// <summary>The compact form of any scale outputs: the mixer's own, or upsampled ones taken as scales without compression.</summary>
    /// <exception cref="ArgumentException">Padding stands before a token, or availability differs between tokens or has gaps.</exception>
    public static CompactScales Of(ScaleOutputs scales, int numScales)
    {
        if (scales.IsCausal)
            throw new ArgumentException("this aggregation shares weights between the tokens of a document, but a causal model was asked for. Choose another aggregation.", nameof(scales));
        if (scales.Compact is { } compact)
            return compact;
        long[] shape = scales.Upsampled[0].shape;
        int[] lengths = DocumentLengths.Of(scales.KeyPaddingMask, shape[0], shape[1]);
        var hierarchy = new ScaleHierarchy(lengths, (int)shape[1], Available(scales, numScales));
        return new CompactScales([.. scales.Upsampled.Take(hierarchy.Count)], hierarchy, numScales);
    }

    private static int[] Available(ScaleOutputs scales, int numScales)
    {
        var available = new int[scales.Upsampled[0].shape[0]];
        Array.Fill(available, numScales);
        if (scales.UnavailableScales is not { } unavailable)
            return available;
        if (unavailable.dim() != 2)
            throw new ArgumentException($"UnavailableScales must have the shape [batch, scales] here, where a document's tokens share their scales, but has {TensorChecks.Show(unavailable.shape)}.", nameof(scales));
        using var scope = NewDisposeScope();
        var flags = unavailable.cpu().contiguous().bytes;
        for (int document = 0; document < available.Length; document++)
        {
            var row = flags.Slice(document * numScales, numScales);
            int missing = row.IndexOf((byte)1);
            if (missing == 0 || (missing > 0 && row[missing..].Contains((byte)0)))
                throw new ArgumentException($"UnavailableScales must leave out the coarsest scales of a document, but document {document} leaves out scale {missing} and keeps a coarser one.", nameof(scales));
            available[document] = missing < 0 ? numScales : missing;
        }
        return available;
    }

    /// <summary>Rows of a scale for every token: row i is row floor(i / r^s) of <paramref name="rows"/> [B, N_s, ...].</summary>
    public Tensor Upsample(Tensor rows, int scale)
    {
        if (Hierarchy.Cells[scale] == 1)
            return rows.alias();
        using var scope = NewDisposeScope();
        var index = arange(Hierarchy.Lengths[0], dtype: ScalarType.Int64, device: rows.device).div(Hierarchy.Cells[scale], RoundingMode.floor);
        return rows.index_select(1, index.to(ScalarType.Int64)).MoveToOuterDisposeScope();
    }

    /// <summary>sum over s of weights[.., s] * U(O_s), [B, N, D], 0 past a document's end; weights [B, S] or [B, N, S].</summary>
    public Tensor Mix(Tensor weights)
    {
        using var scope = NewDisposeScope();
        long batch = Plan.Batch, length = Plan.Length;
        var perToken = weights.dim() == 2 ? weights.unsqueeze(1).expand(batch, length, NumScales) : weights; // [B, N, S]
        perToken = perToken.narrow(2, 0, Outputs.Count);
        if (Reachable)
            return ScaleMixFunction.Apply(Plan, Hierarchy.ValidLengths[0], Hierarchy.Available, perToken, Outputs).MoveToOuterDisposeScope();
        Tensor? sum = null;
        for (int scale = 0; scale < Outputs.Count; scale++)
        {
            var term = perToken.narrow(2, scale, 1) * Upsample(Outputs[scale], scale);
            sum = sum is null ? term : sum + term;
        }
        return sum!.masked_fill(TokenMasks.Invalid(Hierarchy.ValidLengths[0], length, weights.device).unsqueeze(-1), 0).MoveToOuterDisposeScope();
    }

    /// <summary>G [B, S', S'] over the S' scales that the batch uses: mean over valid tokens of the products of the RMS-normalized outputs, divided by D.</summary>
    public Tensor Gram() => Reachable ? ScaleGramFunction.Apply(Plan, Hierarchy.ValidLengths[0], Hierarchy.Available, Outputs) : PlainGram();

    /// <summary>The same by tensor operators.</summary>
    public Tensor PlainGram()
    {
        using var scope = NewDisposeScope();
        var normalized = new Tensor[Outputs.Count];
        var invalid = TokenMasks.Invalid(Hierarchy.ValidLengths[0], Plan.Length, Outputs[0].device).unsqueeze(-1); // [B, N, 1]
        for (int scale = 0; scale < Outputs.Count; scale++)
        {
            var rows = Outputs[scale].to(Outputs[scale].dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
            var unit = rows / (rows.pow(2).mean([-1], keepdim: true) + ScaleGramKernel.Epsilon).sqrt();
            normalized[scale] = Upsample(unit, scale).masked_fill(invalid, 0).flatten(1); // [B, N * D]
        }
        var all = stack(normalized, 1); // [B, S', N * D]
        var counts = tensor([.. Hierarchy.ValidLengths[0].Select(n => Math.Max(1.0, n) * Plan.Width)], [Plan.Batch, 1, 1], device: Outputs[0].device).to(all.dtype);
        var gram = all.matmul(all.transpose(1, 2)) / counts; // [B, S', S']
        var unavailable = Unavailable(Outputs[0].device).narrow(1, 0, Outputs.Count);
        return gram.masked_fill(unavailable.unsqueeze(1), 0).masked_fill(unavailable.unsqueeze(2), 0).MoveToOuterDisposeScope();
    }

    /// <summary>[B, S] booleans on a device, true = the document does not use the scale.</summary>
    public Tensor Unavailable(Device device)
    {
        var flags = new bool[Hierarchy.Available.Length * NumScales];
        for (int i = 0; i < flags.Length; i++)
            flags[i] = i % NumScales >= Hierarchy.Available[i / NumScales];
        return tensor(flags, [Hierarchy.Available.Length, NumScales], device: device);
    }

    /// <summary>The upsampled outputs as a list that makes an entry when it is asked for.</summary>
    public IReadOnlyList<Tensor> Upsampled() => new LazyList(this);

    private sealed class LazyList(CompactScales compact) : IReadOnlyList<Tensor>
    {
        private readonly Tensor?[] _made = new Tensor?[compact.NumScales];

        public int Count => _made.Length;

        // A scale that no document uses stands as zeros.
        public Tensor this[int index] => _made[index] ??= index < compact.Outputs.Count
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
