namespace Maha.Layers.Text;

// C classes, K views

/// <summary>Sparse linear models of up to three views of a document: z = ln prior + sum_k slope_k z_k.</summary>
/// <param name="views">The models: of the document alone, or of the document, its beginning and its ending.</param>
/// <param name="logPrior">The logarithm of each class's share, [C].</param>
/// <param name="slopes">The weight of each view, [K].</param>
internal sealed class SparseScorer(IReadOnlyList<SparseLinearModel> views, double[] logPrior, double[] slopes) : NGramScorer
{
    /// <summary>The number of views if some training document is longer than a beginning.</summary>
    public const int MaxViews = 3;

    private readonly ThreadLocal<SparseScores> _scores = new(() => new SparseScores(logPrior.Length));

    public override int NumClasses => logPrior.Length;

    public IReadOnlyList<SparseLinearModel> Views => views;

    public double[] LogPrior => logPrior;

    public double[] Slopes => slopes;

    public override double[] Logits(NGramVocabulary vocabulary, IndexedText text)
    {
        double[] logits = [.. logPrior];
        var scores = _scores.Value!;
        for (int view = 0; view < views.Count; view++)
        {
            scores.Clear();
            views[view].Score(VectorOfView(vocabulary, text, view), scores);
            foreach (int c in scores.Touched)
                logits[c] += slopes[view] * scores[c];
        }
        return logits;
    }

    public override double[] Attribute(NGramVocabulary vocabulary, IndexedText text, double[] direction)
    {
        var shares = new TokenShares(vocabulary, text);
        for (int view = 0; view < views.Count; view++)
        {
            var model = views[view];
            double slope = slopes[view];
            shares.Add(PartOfView(text, view), feature =>
            {
                double sum = 0;
                for (int w = PackedLists.StartOf(model.Ends, feature); w < model.Ends[feature]; w++)
                    sum += direction[model.Classes[w]] * model.Weights[w];
                return slope * sum;
            });
        }
        return shares.Tokens;
    }

    /// <summary>Returns the vector of a view of a document.</summary>
    public static SparseVector VectorOfView(NGramVocabulary vocabulary, IndexedText text, int view) => vocabulary.Vectorize(text, PartOfView(text, view));

    private static (int Start, int End) PartOfView(IndexedText text, int view) => view switch
    {
        0 => (0, text.Tokens.Length),
        1 => LinearParts.RangeOfBeginning(text),
        _ => LinearParts.RangeOfEnding(text),
    };
}
