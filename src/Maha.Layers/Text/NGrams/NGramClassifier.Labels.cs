namespace Maha.Layers.Text;

// V n-grams, L labels, K blocks of scores

// The part of the stream in which documents have several labels; L is C of the header:
//   for each of the document, segment, beginning and ending models: Single biases [L]; Half weights [V, L]
//   Double weights [K]; Double offsets [L]
internal sealed partial class NGramClassifier
{
    private static void Write(Stream stream, LabelScorer scorer)
    {
        foreach (var model in scorer.Parts.All)
            Write(stream, model);
        Write<double>(stream, scorer.Weighting.Weights);
        Write<double>(stream, scorer.Weighting.Offsets);
    }

    private static LabelScorer ReadLabels(Stream stream, int count, int numLabels)
    {
        var parts = ReadParts(stream, count, numLabels);
        double[] weights = Read<double>(stream, LabelScorer.Blocks.Length), offsets = Read<double>(stream, numLabels);
        RequireWeights(offsets, weights);
        return new LabelScorer(parts, new LabelWeighting(weights, offsets));
    }

    private static long LengthOfLabels(int count, int numLabels) =>
        (LinearParts.Count * ((4L * numLabels) + (2L * count * numLabels))) + (8L * (LabelScorer.Blocks.Length + numLabels));
}
