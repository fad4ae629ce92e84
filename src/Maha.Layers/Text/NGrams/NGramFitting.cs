using Maha.Layers.Data;


namespace Maha.Layers.Text;

// n documents, V n-grams, C classes

/// <summary>A fitted model of n-grams, and what it says of documents that none of its parts was fitted to.</summary>
/// <param name="Model">The model, fitted to all documents.</param>
/// <param name="HeldOutLogits">The logits [C] of a validation row under models that have not seen it, as if no copy of its text was known.</param>
/// <param name="Contents">The text of each row.</param>
/// <param name="Weights">How much each row counts; null for 1.</param>
/// <param name="NumDocuments">How many documents the model was fitted to: not all, where the time was over.</param>
internal sealed record NGramFit(NGramClassifier Model, Func<int, double[]> HeldOutLogits, IReadOnlyList<ulong> Contents, IReadOnlyList<float>? Weights, int NumDocuments);

/// <summary>
/// Fits linear models over n-grams, and what weighs them (docs/learning.md). To documents they were fitted to linear models over n-grams are always right: they are weighed by documents of folds
/// that they did not see (Wolpert 1992, Breiman 1996).
/// </summary>
/// <remarks>It reads the texts of the kept token ids, so that n-grams and network see the same of a document that was cut.</remarks>
internal sealed class NGramFitting
{
    /// <summary>In a class of fewer documents most words stand in one of them, and where classes have fewer on average, parts of words are read too.</summary>
    private const int SmallClass = 20;

    private const int MaxVocabulary = 300_000;
    private const int MaxWeights = 1 << 24;
    private const int DocumentsPerRound = 512;

    // What is fitted to where the time is over: about a second's work.
    private const int MaxSampledDocuments = 2000;
    private const int MaxSampledTokens = 400_000;

    private readonly ITextDocuments _documents;
    private readonly int _numClasses;
    private readonly int _seed;
    private readonly ParallelOptions _parallel;
    private readonly int[] _labels;
    private readonly float[]? _weights;
    private readonly bool _readsCharacters;

    /// <param name="documents">The documents with their labels.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="weighting">How much a document counts by its class.</param>
    /// <param name="seed">Of folds and orders.</param>
    /// <param name="parallel">Threads and cancellation.</param>
    public NGramFitting(ITextDocuments documents, int numClasses, ClassWeighting weighting, int seed, ParallelOptions parallel)
    {
        _documents = documents;
        _numClasses = numClasses;
        _seed = seed;
        _parallel = parallel;
        _labels = [.. Enumerable.Range(0, documents.Count).Select(documents.LabelOf)];
        var counts = _labels.CountBy(label => label).ToDictionary();
        _readsCharacters = _labels.Length < SmallClass * counts.Count;
        if (weighting != ClassWeighting.Balanced)
            return;
        _weights = [.. _labels.Select(label => (float)_labels.Length / (counts.Count * counts[label]))];
    }

    /// <summary>Fits to all documents.</summary>
    /// <param name="validating">The rows of the documents that validate the network; none where they are others.</param>
    public NGramFit Fit(IReadOnlyList<int> validating)
    {
        var (vocabulary, contents) = Learn([.. Enumerable.Range(0, _documents.Count)]);
        double[] prior = Prior();
        var known = KnownTexts.Fit(contents, _labels, _weights, prior);
        // Where copies tell nothing, models that have seen some are as honest as others, and see that they tell nothing.
        var folds = StackFolds.Choose(known.CopiesTell ? contents : [.. contents.Select((_, row) => (ulong)row)], _labels, _weights, validating, _seed,
            _numClasses <= NGramClassifier.MaxDenseClasses ? StackFolds.EnoughDocuments : StackFolds.EnoughForSlopes);
        var texts = new TextsOfRows(this, vocabulary);
        var fit = _numClasses <= NGramClassifier.MaxDenseClasses
            ? new StackedFitting(texts, _labels, _weights, prior, _seed, _parallel).Fit(folds)
            : new SparseFitting(texts, _labels, _weights, prior, _seed, _parallel).Fit(folds);
        var model = new NGramClassifier(vocabulary, fit.Scorer, known);
        // A document whose class no other fold knows is judged by nothing: it says what the prior says.
        double[] unjudged = [.. prior.Select(share => Math.Log(share))];
        return new NGramFit(model, row => fit.HeldOutLogits(row) ?? unjudged, contents, _weights, _documents.Count);
    }

    /// <summary>Fits to some documents, without folds: where there is no time for more.</summary>
    /// <param name="validating">The rows of the documents that validate the network; they are left out.</param>
    public NGramFit FitSample(IReadOnlyList<int> validating)
    {
        var held = new HashSet<int>(validating);
        int[] rows = Sample([.. Enumerable.Range(0, _documents.Count).Where(row => !held.Contains(row))]);
        var (vocabulary, _) = Learn(rows);
        double[] prior = Prior();
        var texts = new TextsOfRows(this, vocabulary);
        NGramScorer scorer = _numClasses <= NGramClassifier.MaxDenseClasses
            ? new StackedFitting(texts, _labels, _weights, prior, _seed, _parallel).FitWithoutFolds(rows)
            : new SparseFitting(texts, _labels, _weights, prior, _seed, _parallel).FitWithoutFolds(rows);
        var model = new NGramClassifier(vocabulary, scorer, KnownTexts.None);
        return new NGramFit(model, row => model.NewTextLogits(Text(row)), new ulong[_documents.Count], _weights, rows.Length);
    }

    /// <summary>The n-grams of some documents, and a number for the text of each.</summary>
    internal (NGramVocabulary Vocabulary, List<ulong> Contents) Learn(IReadOnlyList<int> rows)
    {
        var contents = new List<ulong>();
        var counts = rows.CountBy(row => _labels[row]).ToDictionary();
        int limit = _numClasses <= NGramClassifier.MaxDenseClasses ? Math.Clamp(MaxWeights / LinearModel.StrideOf(_numClasses), 1, MaxVocabulary) : MaxVocabulary;
        return (NGramVocabulary.Learn(Texts(rows, contents), limit, i => counts[_labels[rows[i]]] < SmallClass), contents);
    }

    // A class without documents has a share too, of one document for all such classes: its logarithm is finite.
    private double[] Prior()
    {
        double[] prior = new double[_numClasses];
        Array.Fill(prior, 1.0 / _numClasses);
        for (int row = 0; row < _labels.Length; row++)
            prior[_labels[row]] += _weights?[row] ?? 1;
        double sum = prior.Sum();
        return [.. prior.Select(share => share / sum)];
    }

    // Each class in proportion, and one of each before any second one.
    private int[] Sample(int[] rows)
    {
        new Random(_seed).Shuffle(rows);
        var ofClass = rows.GroupBy(row => _labels[row]).SelectMany(members => members.Select((row, place) => (row, share: place == 0 ? 0 : (place + 0.5) / members.Count())));
        var sample = new List<int>();
        long tokens = 0;
        foreach (var (row, share) in ofClass.OrderBy(pair => pair.share))
        {
            tokens += _documents.LengthOf(row);
            if (sample.Count >= 2 && share > 0 && (tokens > MaxSampledTokens || sample.Count >= MaxSampledDocuments))
                break;
            sample.Add(row);
        }
        return [.. sample.Order()];
    }

    private NGramText Text(int row) => NGramText.Read(_documents.TextOf(row), _readsCharacters);

    // Read by all threads, given in order; what each holds is added to the contents.
    private IEnumerable<NGramText> Texts(IReadOnlyList<int> rows, List<ulong> contents)
    {
        for (int start = 0; start < rows.Count; start += DocumentsPerRound)
        {
            var round = new (NGramText Text, ulong Content)[Math.Min(DocumentsPerRound, rows.Count - start)];
            int first = start;
            Parallel.For(0, round.Length, _parallel, i =>
            {
                var text = Text(rows[first + i]);
                round[i] = (text, text.Content);
            });
            foreach (var (text, content) in round)
            {
                contents.Add(content);
                yield return text;
            }
        }
    }

    /// <summary>The documents as the vocabulary sees them.</summary>
    internal sealed class TextsOfRows(NGramFitting fitting, NGramVocabulary vocabulary)
    {
        public NGramVocabulary Vocabulary => vocabulary;

        /// <summary>A document.</summary>
        public IndexedText this[int row] => vocabulary.Index(fitting.Text(row));

        /// <summary>Something of each of some documents, by all threads; the others are left empty.</summary>
        public T[] Each<T>(IReadOnlyList<int> rows, Func<int, IndexedText, T> of)
        {
            var results = new T[fitting._documents.Count];
            Parallel.For(0, rows.Count, fitting._parallel, i => results[rows[i]] = of(rows[i], this[rows[i]]));
            return results;
        }
    }
}
