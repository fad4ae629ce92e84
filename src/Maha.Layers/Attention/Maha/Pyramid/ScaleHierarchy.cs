using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, r compression ratio, w window

/// <summary>The lengths of a batch of documents at every scale of multiscale attention at linear cost.</summary>
/// <remarks>
/// A coarse token is valid if the first token of its stride cell is, so n valid tokens become ceil(n / r). A document uses the scales that its own
/// length needs: the smallest count with ceil(n / r^(count - 1)) at most 2w, so that the coarsest scale sees the whole document. Nothing depends on the
/// padded length.
/// </remarks>
internal sealed class ScaleHierarchy
{
    /// <summary>Computes the scales of a batch.</summary>
    /// <param name="validLengths">n, the number of valid tokens of each document.</param>
    /// <param name="length">N, the number of rows in memory.</param>
    /// <param name="numScales">S of the model.</param>
    /// <param name="ratio">r.</param>
    /// <param name="window">w.</param>
    public ScaleHierarchy(int[] validLengths, int length, int numScales, int ratio, int window)
    {
        Available = [.. validLengths.Select(n => Math.Min(numScales, ScaleCount.Needed(n, ratio, window)))];
        Count = Available.Max();
        Ratio = ratio;
        Lengths = new int[Count];
        ValidLengths = new int[Count][];
        Cells = new long[Count];
        for (int scale = 0; scale < Count; scale++)
        {
            Cells[scale] = scale == 0 ? 1 : Cells[scale - 1] * ratio;
            Lengths[scale] = scale == 0 ? length : CeilDivide(Lengths[scale - 1], ratio);
            ValidLengths[scale] = new int[validLengths.Length];
            for (int document = 0; document < validLengths.Length; document++)
            {
                if (scale < Available[document])
                    ValidLengths[scale][document] = scale == 0 ? validLengths[document] : CeilDivide(ValidLengths[scale - 1][document], ratio);
            }
        }
    }

    /// <summary>Creates scales of equal length, for outputs that are already upsampled.</summary>
    /// <param name="validLengths">n, the number of valid tokens of each document.</param>
    /// <param name="length">N, the number of rows in memory.</param>
    /// <param name="available">The number of scales of each document.</param>
    public ScaleHierarchy(int[] validLengths, int length, int[] available)
    {
        Available = available;
        Count = available.Max();
        Ratio = 1;
        Lengths = [.. Enumerable.Repeat(length, Count)];
        Cells = [.. Enumerable.Repeat(1L, Count)];
        ValidLengths = [.. Enumerable.Range(0, Count).Select(scale => validLengths.Select((n, document) => scale < available[document] ? n : 0).ToArray())];
    }

    private ScaleHierarchy(int[] validLengths, int length, int numScales, int ratio)
    {
        IsCausal = true;
        Ratio = ratio;
        Available = [.. validLengths.Select(_ => numScales)];
        var (lengths, valid, cells) = (new List<int> { length }, new List<int[]> { validLengths }, new List<long> { 1 });
        while (lengths.Count < numScales && lengths[^1] >= ratio)
        {
            lengths.Add(lengths[^1] / ratio);
            valid.Add([.. valid[^1].Select(n => n / ratio)]);
            cells.Add(cells[^1] * ratio);
        }
        (Lengths, ValidLengths, Cells, Count) = ([.. lengths], [.. valid], [.. cells], lengths.Count);
    }

    /// <summary>
    /// Creates the scales of a causal model: a coarse token exists once all r tokens of its cell do, and every document has all scales, each from its first
    /// complete token on.
    /// </summary>
    /// <param name="validLengths">n, the number of valid tokens of each document.</param>
    /// <param name="length">N, the number of rows in memory.</param>
    /// <param name="numScales">S of the model.</param>
    /// <param name="ratio">r.</param>
    public static ScaleHierarchy Causal(int[] validLengths, int length, int numScales, int ratio) => new(validLengths, length, numScales, ratio);

    /// <summary>Whether only complete coarse tokens exist.</summary>
    public bool IsCausal { get; }

    /// <summary>r.</summary>
    public int Ratio { get; }

    /// <summary>The number of scales that some document of the batch uses.</summary>
    public int Count { get; }

    /// <summary>The number of scales that each document uses, at least 1.</summary>
    public int[] Available { get; }

    /// <summary>The number of rows in memory of each scale.</summary>
    public int[] Lengths { get; }

    /// <summary>The number of valid tokens per scale and document; 0 at scales that a document doesn't use.</summary>
    public int[][] ValidLengths { get; }

    /// <summary>r^s, the number of tokens per coarse token of each scale.</summary>
    public long[] Cells { get; }

    /// <summary>
    /// Returns <see cref="ValidLengths"/> and <see cref="Available"/> on a device, [Count + 1, B] of Int32, which all layers share. The caller does not
    /// dispose it.
    /// </summary>
    public Tensor Table(Device device) => CudaTables.Get([.. ValidLengths.SelectMany(lengths => lengths), .. Available], device);

    private static long CeilDivide(long length, int ratio) => (length + ratio - 1) / ratio;

    private static int CeilDivide(int length, int ratio) => (int)CeilDivide((long)length, ratio);
}
