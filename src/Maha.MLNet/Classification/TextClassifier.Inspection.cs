using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.MLNet.Explanation;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

// H heads or scales, N tokens, D width, S scales

/// <content>The attention of the network over a text.</content>
internal sealed partial class TextClassifier
{
    // Weights are a number for every pair of tokens, for every head.
    private const int MaxInspectedTokens = 1024;

    /// <summary>Computes the attention of the layers over a text.</summary>
    /// <param name="text">The text, of which the first 1,024 tokens that the model reads are inspected.</param>
    /// <returns>One entry per layer: of the network, or of the pretrained encoder in its windows and then of the blocks over the document.</returns>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    public IReadOnlyList<LayerInspection> Inspect(ReadOnlyMemory<char> text)
    {
        using var use = new Use(this);
        var document = LocatedDocument.Read(Tokenizer, text, Manifest.MaxDocumentTokens, Manifest.OverlongDocuments);
        int count = Math.Min(document.TokenIds.Length, MaxInspectedTokens);
        if (count == 0)
            return [];
        var ids = document.TokenIds.Span[..count];
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        if (Network is not WindowedClassifier windowed)
        {
            var encoder = ((MahaSequenceClassifier)Network).Encoder;
            ReadOnlyMemory<int>[] whole = [document.TokenIds[..count]];
            return [.. Enumerable.Range(0, encoder.Blocks.Count).Select(layer => Inspect($"layer {layer + 1}", encoder, layer, whole, 0, document.Places))];
        }
        var reader = windowed.Reader.Encoder;
        ReadOnlyMemory<int>[] windows = [.. Windows!.Cut(ids).Select(window => Windows.Frame(document.TokenIds.Span, [window]).AsMemory())];
        var layers = Enumerable.Range(0, reader.Blocks.Count)
            .Select(layer => Inspect($"encoder layer {layer + 1}", reader, layer, windows, TokenWindows.NumSpecialTokens, document.Places)).ToList();
        using var framed = tensor(Array.ConvertAll(Windows.Frame(ids), id => (long)id), device: Device).unsqueeze(0);
        var read = windowed.Read(framed, null);
        layers.AddRange(read.Layers.Select((layer, number) => new LayerInspection($"document block {number + 1}", MeanOf(layer.ScaleWeights), [])));
        return layers;
    }

    // Each part alone: the layer's input is computed without the other parts, which it does not read.
    private LayerInspection Inspect(
        string name, MahaEncoder encoder, int layer, ReadOnlyMemory<int>[] parts, int special, IReadOnlyList<(int Start, int End)> places)
    {
        var received = new List<double>();
        double[]? scales = null;
        foreach (var part in parts)
        {
            using var scope = NewDisposeScope();
            var ids = tensor(Array.ConvertAll(part.ToArray(), id => (long)id), device: Device).unsqueeze(0); // [1, N]
            var context = encoder.Options is { UsesDocumentTrees: true, TokenParts: { } tokenParts }
                ? MixingContext.Unpadded.WithTrees(ids, tokenParts) : MixingContext.Unpadded;
            var hidden = encoder.EncodeUntil(layer, ids, context); // [1, N, D]
            var block = encoder.Blocks[layer];
            var mixed = block.call(hidden, context);
            scales ??= MeanOf(mixed.ScaleWeights);
            if (WeightsOf(block, hidden, context) is not { } weights)
                return new LayerInspection(name, scales, []);
            // The scales count as much as they weigh; heads count the same.
            var each = scales is null ? weights.mean([0]) : (weights * tensor(scales, weights.dtype, Device).reshape(-1, 1, 1)).sum(dim: 0); // [N, N]
            double[] columns = Numbers(each.mean([0]));
            received.AddRange(columns[(special / 2)..(columns.Length - (special / 2))]);
        }
        return new LayerInspection(name, scales, SpansOf(received, places));
    }

    private static Tensor? WeightsOf(MahaBlock block, Tensor hidden, MixingContext context)
    {
        try
        {
            return block.AttentionWeights(hidden, context);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    // The weights are [B, S] or [B, N, S].
    private static double[]? MeanOf(Tensor? scaleWeights) =>
        scaleWeights is null ? null : Numbers(scaleWeights.reshape(-1, scaleWeights.shape[^1]).mean([0]));

    private static double[] Numbers(Tensor vector) => Array.ConvertAll(vector.to(ScalarType.Float32).cpu().data<float>().ToArray(), value => (double)value);

    // Tokens without a place of their own count for the one that ends the word. Relative to the mean over the tokens.
    private static List<TextSpan> SpansOf(List<double> received, IReadOnlyList<(int Start, int End)> places)
    {
        double mean = received.Average(), sum = 0;
        int tokens = 0, start = 0;
        var spans = new List<TextSpan>();
        for (int i = 0; i < received.Count; i++)
        {
            if (tokens == 0)
                start = places[i].Start;
            sum += received[i];
            tokens++;
            if (places[i].End <= start)
                continue;
            spans.Add(new TextSpan(start, places[i].End - start, mean > 0 ? sum / tokens / mean : 1, SpanSource.Network));
            (sum, tokens) = (0, 0);
        }
        return spans;
    }
}
