using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.MLNet.Rows;
using static TorchSharp.torch;

namespace Maha.MLNet.TextEncoding;

/// <content>The vectors of documents that a pretrained encoder reads in windows.</content>
internal sealed partial class TextEncoder
{
    /// <summary>Computes the vectors of documents and of their windows, in one pass of the encoder.</summary>
    /// <param name="texts">Any texts. Those without tokens have no windows.</param>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public WindowVectors[] ReadWindows(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        using var use = new Use(this);
        return ReadWindows(texts, EncodeDocuments(texts), withWindows: true);
    }

    // The spectral parts read the texts.
    private EncodedTexts EncodeDocuments(IReadOnlyList<ReadOnlyMemory<char>> texts) => Encode(texts, keepTexts: _spectralTokenizer is not null);

    // Use must be active.
    private WindowVectors[] ReadWindows(IReadOnlyList<ReadOnlyMemory<char>> texts, EncodedTexts documents, bool withWindows)
    {
        bool hasSpectralParts = _spectralTokenizer is not null;
        var spectralIds = new ReadOnlyMemory<int>[documents.Count];
        var windows = new List<Range>[documents.Count];
        ForEach(documents.Count, i =>
        {
            if (hasSpectralParts)
                spectralIds[i] = _spectralTokenizer!.Encode(documents.TextOf(i));
            if (withWindows)
                windows[i] = WindowsOf(texts[i].Span);
        });
        var results = new WindowVectors[documents.Count];
        using var mode = no_grad();
        foreach (int[] batch in documents.Batches(Device))
        {
            using var scope = NewDisposeScope();
            var tokens = TokenBatch.Create(documents, batch, Device);
            var states = Network.ReadWindows(tokens.TokenIds, tokens.KeyPaddingMask);
            float[][] vectors = Combine(states.Documents, [.. batch.Select(document => spectralIds[document])]);
            float[][] ofWindows = withWindows ? CombineWindows(batch, states.Windows) : [];
            int next = 0;
            for (int i = 0; i < batch.Length; i++)
            {
                int document = batch[i], count = withWindows ? windows[document].Count : 0;
                results[document] = new WindowVectors(
                    vectors[i], [.. ofWindows[next..(next += count)].SelectMany(vector => vector)],
                    withWindows ? ToOffsets(windows[document], texts[document].Length) : []);
            }
        }
        return results;

        float[][] CombineWindows(int[] batch, Tensor states) => states.shape[0] == 0 ? [] : Combine(states,
            [.. batch.SelectMany(document => windows[document].Select(window => SpectralIdsOf(texts[document][window])))]);
    }

    /// <summary>
    /// Finds the windows of a text that the encoder reads, as ranges of characters: from the first word that has a token in the window to the last.
    /// </summary>
    internal List<Range> WindowsOf(ReadOnlySpan<char> text)
    {
        int[] all = ((WordPieceTokenizer)Tokenizer).Encode(text, out int[] allStarts, out int[] allEnds);
        var ids = Kept(all);
        if (ids.IsEmpty)
            return [];
        var (starts, ends) = (Kept(allStarts), Kept(allEnds));
        return Windows!.Cut(ids.Span).ConvertAll(window => starts.Span[window.Start]..ends.Span[window.End.Value - 1]);

        ReadOnlyMemory<int> Kept(int[] ofTokens) => TokenLimit.Cut(ofTokens, Manifest.MaxDocumentTokens, Manifest.OverlongDocuments);
    }

    private ReadOnlyMemory<int> SpectralIdsOf(ReadOnlyMemory<char> text) => _spectralTokenizer?.Encode(text.Span) ?? [];

    private float[][] Combine(Tensor contextual, ReadOnlyMemory<int>[] spectralIds)
    {
        float[] values = Network.Combine(contextual, spectralIds).to(ScalarType.Float32).cpu().data<float>().ToArray();
        float[][] vectors = [.. values.Chunk(OutputDim)];
        NormalizeAll(vectors);
        return vectors;
    }
}

/// <summary>The vectors of a document and of its windows.</summary>
/// <param name="Document">[E].</param>
/// <param name="Windows">[windows * E].</param>
/// <param name="Offsets">[windows * 2], the range of characters of each window: its start, and its end, which is after its last character.</param>
internal sealed record WindowVectors(float[] Document, float[] Windows, int[] Offsets);
