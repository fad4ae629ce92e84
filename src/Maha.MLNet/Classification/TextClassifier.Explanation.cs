using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.MLNet.Explanation;
using Maha.MLNet.Rows;

namespace Maha.MLNet.Classification;

// C classes

/// <content>The spans of a text that speak for and against a label.</content>
internal sealed partial class TextClassifier
{
    // Copies of a document with one window left out share all other windows of a pretrained encoder, which computes them once per batch. Small enough, so
    // that a cancellation is soon seen.
    private const int CopiesPerBatch = 16;

    /// <summary>Explains a label of a text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="label">The index of the label; null for the predicted one.</param>
    /// <param name="options">The options, which are checked here.</param>
    /// <param name="cancellation">Checked between the predictions of the network.</param>
    /// <exception cref="ObjectDisposedException">The classifier was disposed.</exception>
    /// <exception cref="OperationCanceledException">The explanation was canceled.</exception>
    public TextExplanation Explain(ReadOnlyMemory<char> text, int? label, ExplanationOptions options, CancellationToken cancellation)
    {
        options.Check();
        using var use = new Use(this);
        var document = LocatedDocument.Read(Tokenizer, text, Manifest.MaxDocumentTokens, Manifest.OverlongDocuments);
        var (wideWeight, deepWeight) = Manifest.NGrams is { } fusion ? (fusion.Wide, fusion.Deep) : (0, 1);
        float[] deep = deepWeight == 0 ? new float[Labels.Count] : PredictCopies(document, [default], cancellation)[0];
        var read = NGrams?.ReadWithPlaces(document.Text.Span);
        float[] ownLogits = read is null ? deep : Manifest.NGrams!.Value.Combine(NGrams!.NewTextLogits(read), deep);
        float[] logits = read is null ? deep : NGrams!.RepeatedTexts.Adjust(ownLogits, read.ContentHash);
        int chosen = label ?? Manifest.Predict(logits).Label;
        double[] direction = Direction(ownLogits, chosen);

        double bias = 0;
        List<TextSpan> ngrams = [];
        if (read is not null)
        {
            (double[] shares, bias) = NGrams!.Attribute(read, direction);
            bias *= wideWeight;
            ngrams = SpansOf(document, read, shares, wideWeight);
        }
        double network = deepWeight * Combine(direction, deep);
        var windows = Occlude(text, document, direction, deepWeight, network, options, cancellation);
        return new TextExplanation(Labels.Names[chosen], Probabilities(logits)[chosen], ngrams, windows)
        {
            Score = Combine(direction, logits),
            NGramBias = bias,
            NetworkScore = network,
            RepeatedTextScore = Combine(direction, logits) - Combine(direction, ownLogits),
        };
    }

    // v, so that v z is the logit of a label less the mean of the others', each in proportion to its probability; divided by the temperature.
    private double[] Direction(float[] logits, int label)
    {
        double temperature = Manifest.Temperature, max = logits.Where((_, c) => c != label).Max();
        double[] others = [.. logits.Select((logit, c) => c == label ? 0 : Math.Exp((logit - max) / temperature))];
        double sum = others.Sum();
        return [.. others.Select((other, c) => (c == label ? 1 : -other / sum) / temperature)];
    }

    private double[] Probabilities(float[] logits)
    {
        double max = logits.Max();
        double[] parts = [.. logits.Select(logit => Math.Exp((logit - max) / Manifest.Temperature))];
        double sum = parts.Sum();
        return Array.ConvertAll(parts, part => part / sum);
    }

    private static double Combine(double[] direction, float[] logits) => direction.Select((weight, c) => weight * logits[c]).Sum();

    private static List<TextSpan> SpansOf(LocatedDocument document, NGramText read, double[] shares, double weight)
    {
        var spans = new List<TextSpan>(shares.Length);
        for (int i = 0; i < shares.Length; i++)
        {
            var (first, last) = read.Places[i];
            foreach (var (start, end) in document.PlacesOf(first, last))
                spans.Add(new TextSpan(start, end - start, weight * shares[i] * (end - start) / (last - first), SpanSource.NGrams));
        }
        return spans;
    }

    private List<TextSpan> Occlude(
        ReadOnlyMemory<char> text, LocatedDocument document, double[] direction, double weight, double network, ExplanationOptions options,
        CancellationToken cancellation)
    {
        if (weight == 0 || document.TokenIds.IsEmpty)
            return [];
        var reads = Windows?.Cut(document.TokenIds.Span).Select(window => window.Start.Value) ?? [];
        var windows = OcclusionWindows.Choose(text.Span, document.Places, document.Seam, reads, options);
        float[][] without = PredictCopies(document, windows, cancellation);
        var spans = new List<TextSpan>(windows.Count);
        for (int i = 0; i < windows.Count; i++)
        {
            int start = document.Places[windows[i].Start].Start, end = document.Places[windows[i].End - 1].End;
            if (end > start)
                spans.Add(new TextSpan(start, end - start, network - (weight * Combine(direction, without[i])), SpanSource.Network));
        }
        return spans;
    }

    /// <summary>Computes the network's logits for copies of a document, each without some of its tokens.</summary>
    private float[][] PredictCopies(LocatedDocument document, IReadOnlyList<(int Start, int End)> windows, CancellationToken cancellation)
    {
        var cut = Windows?.Cut(document.TokenIds.Span);
        ReadOnlyMemory<int>[] copies = [.. windows.Select(window => CopyWithout(document.TokenIds.Span, window, cut))];
        var documents = new EncodedTexts(copies, texts: null);
        var batches = Windows is null ? documents.Batches(Device) : Enumerable.Range(0, copies.Length).Chunk(CopiesPerBatch);
        return Predict(documents, batches, (tokenIds, padding) => Network.call(tokenIds, padding).Logits, cancellation);
    }

    // The windows of a pretrained encoder stay where they are, so that nothing else changes than what is left out.
    private int[] CopyWithout(ReadOnlySpan<int> tokenIds, (int Start, int End) left, List<Range>? cut)
    {
        if (cut is null)
            return [.. tokenIds[..left.Start], .. tokenIds[left.End..]];
        int[] framed = Windows!.Frame(tokenIds, cut);
        var kept = new List<int>(framed.Length);
        int token = 0, place = 0;
        foreach (var window in cut)
        {
            kept.Add(framed[place++]);
            for (; token < window.End.Value; token++, place++)
            {
                if (token < left.Start || token >= left.End)
                    kept.Add(framed[place]);
            }
            kept.Add(framed[place++]);
        }
        return [.. kept];
    }
}
