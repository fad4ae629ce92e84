using Maha.Layers.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Rows;

/// <summary>Tokenized documents in memory, for prediction.</summary>
/// <param name="ids">The token ids of each document.</param>
/// <param name="texts">The text of each document, cut where its token ids are cut; null where nothing reads it.</param>
internal sealed class EncodedTexts(ReadOnlyMemory<int>[] ids, ReadOnlyMemory<char>[]? texts) : ITextDocuments
{
    // The most tokens of a batch, with padding, and of a document that shares one. On the processor, at the default width of 128, sixteen documents of 16, 64
    // or 128 tokens take 0.2, 0.5 or 0.6 of the time that they take one at a time, and larger batches are not faster; from about 256 tokens on, padding costs
    // as much as a batch saves. A GPU is idle with few tokens: its batches are as large as the default of training (not measured).
    private const int MaxTokensOnProcessor = 2048;
    private const int MaxLengthOnProcessor = 256;
    private const int MaxTokensOnGpu = 8192;

    // The shortest document of a batch, relative to the longest: a token of padding costs as much as any other.
    private const double MinLengthFraction = 0.75;

    // A difference of so few tokens costs less than another forward pass.
    private const int FreePadding = 16;

    public int Count => ids.Length;

    public bool HasLabels => false;

    /// <summary>The token ids of a document.</summary>
    public ReadOnlySpan<int> this[int index] => ids[index].Span;

    public string TextOf(int index) =>
        (texts ?? throw new InvalidOperationException("The documents must be encoded with their texts, but were encoded without. Set keepTexts."))[index]
            .ToString();

    public int LengthOf(int index) => ids[index].Length;

    public int LabelOf(int index) => throw new InvalidOperationException("Documents for prediction have no labels, but a label was requested.");

    public void CopyTokens(int index, Span<int> destination) => ids[index].Span.CopyTo(destination);

    /// <summary>Groups the documents into batches of similar length. Each document is in one batch; a long one is a batch of its own.</summary>
    /// <param name="device">The device that computes the batches.</param>
    public IEnumerable<int[]> Batches(Device device)
    {
        var (maxTokens, maxLength) = device.type == DeviceType.CPU ? (MaxTokensOnProcessor, MaxLengthOnProcessor) : (MaxTokensOnGpu, MaxTokensOnGpu);
        int[] rows = [.. Enumerable.Range(0, ids.Length).OrderByDescending(LengthOf)];
        for (int start = 0, end; start < rows.Length; start = end)
        {
            int width = Math.Max(1, LengthOf(rows[start])), minLength = (int)(MinLengthFraction * width) - FreePadding;
            end = start + 1;
            while (width <= maxLength && end < rows.Length && LengthOf(rows[end]) >= minLength && (end - start + 1) * width <= maxTokens)
                end++;
            yield return rows[start..end];
        }
    }
}
