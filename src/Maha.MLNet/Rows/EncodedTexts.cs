using Maha.Layers.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Rows;

/// <summary>Documents as token ids, in memory, to predict from.</summary>
/// <param name="texts">The text of each document, cut as its ids are.</param>
/// <param name="ids">The ids of each document.</param>
internal sealed class EncodedTexts(ReadOnlyMemory<char>[] texts, ReadOnlyMemory<int>[] ids) : ITextDocuments
{
    // Padding included. On the processor, at the default width of 128, sixteen documents of 16, 64 or 128 tokens take 0.2, 0.5 or 0.6 of the time that they take one after the other,
    // and larger batches no less; from about 256 tokens on padding costs what a batch saves. A GPU idles over few tokens: it gets as many as in training by default (not measured).
    private const int TokensOnProcessor = 2048;
    private const int LongestOnProcessor = 256;
    private const int TokensOnGpu = 8192;

    // Of the longest document of a batch: a token of padding costs what a token costs.
    private const double LeastLength = 0.75;

    // So few tokens cost less than the forward pass that they are a part of.
    private const int FreeTokens = 16;

    public int Count => ids.Length;

    public bool HasLabels => false;

    /// <summary>The ids of a document.</summary>
    public ReadOnlySpan<int> this[int index] => ids[index].Span;

    public string TextOf(int index) => texts[index].ToString();

    public int LengthOf(int index) => ids[index].Length;

    public int LabelOf(int index) => throw new InvalidOperationException("Documents to predict from have no labels.");

    public void CopyTokens(int index, Span<int> destination) => ids[index].Span.CopyTo(destination);

    /// <summary>Every document once, in batches of like length; a long one is alone.</summary>
    /// <param name="device">Where they are read.</param>
    public IEnumerable<int[]> Batches(Device device)
    {
        var (most, longest) = device.type == DeviceType.CPU ? (TokensOnProcessor, LongestOnProcessor) : (TokensOnGpu, TokensOnGpu);
        int[] rows = [.. Enumerable.Range(0, ids.Length).OrderByDescending(LengthOf)];
        for (int start = 0, end; start < rows.Length; start = end)
        {
            int width = Math.Max(1, LengthOf(rows[start])), least = (int)(LeastLength * width) - FreeTokens;
            end = start + 1;
            while (width <= longest && end < rows.Length && LengthOf(rows[end]) >= least && (end - start + 1) * width <= most)
                end++;
            yield return rows[start..end];
        }
    }
}
