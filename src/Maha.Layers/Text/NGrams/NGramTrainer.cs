using Maha.Layers.Data;

namespace Maha.Layers.Text;

// n documents, V n-grams, C classes

/// <summary>
/// Fits linear models over n-grams and the weights that combine them (docs/learning.md). Linear models over n-grams predict the documents they were fitted to
/// almost without error, so their weights are fitted to documents of folds that they did not see (Wolpert 1992, Breiman 1996).
/// </summary>
/// <remarks>A text is read as far as its token ids were kept, so that the n-grams and the network see the same part of a document that was cut.</remarks>
internal sealed partial class NGramTrainer
{
    // A class is small if it has fewer documents: most of its words then occur in only one of them. If the classes are small on average, character trigrams
    // are read too.
    private const int SmallClass = 20;

    private const int MaxVocabulary = 300_000;
    private const int MaxWeights = 1 << 24;
    private const int DocumentsPerRound = 512;

    // The size of a sample, which takes about a second to fit to.
    private const int MaxSampledDocuments = 2000;
    private const int MaxSampledTokens = 400_000;

    private readonly ITextDocuments _documents;
    private readonly int _numClasses;
    private readonly int _seed;
    private readonly ParallelOptions _parallel;
    // The class of each document; of documents with several labels the rarest of them, or the number of labels for none.
    private readonly int[] _labels;
    private readonly LabelSets? _sets;
    private readonly float[]? _weights;
    private readonly bool _readsCharacters;

    /// <param name="documents">The documents with their class, or with their sets of labels.</param>
    /// <param name="numClasses">C, the number of classes or labels.</param>
    /// <param name="weighting">How a document is weighted by its class, in addition to its own weight.</param>
    /// <param name="seed">The seed of the folds and of the orders of documents.</param>
    /// <param name="parallel">The number of threads and the cancellation.</param>
    /// <param name="classWeights">The weights of the classes, [C]; null for equal ones. Ignored with <see cref="ClassWeighting.Balanced"/>.</param>
    public NGramTrainer(
        ITextDocuments documents, int numClasses, ClassWeighting weighting, int seed, ParallelOptions parallel, IReadOnlyList<double>? classWeights = null)
    {
        _documents = documents;
        _numClasses = numClasses;
        _seed = seed;
        _parallel = parallel;
        _labels = [.. documents.StrataOf().Select(stratum => stratum < 0 ? numClasses : stratum)];
        _sets = documents.LabelSetsOf() is { } sets ? LabelSets.FromSets(sets) : null;
        var counts = _labels.CountBy(label => label).ToDictionary();
        _readsCharacters = _labels.Length < SmallClass * counts.Count;
        _weights = ClassWeights.OfDocuments(_labels, documents.WeightsOf(), weighting, classWeights);
    }

    private bool IsDense => _sets is not null || _numClasses <= NGramClassifier.MaxDenseClasses;

    /// <summary>Fits to all documents.</summary>
    /// <param name="validating">The documents that validate the network; empty if they are not among the documents.</param>
    public NGramFit Fit(IReadOnlyList<int> validating)
    {
        if (_sets is not null)
            return FitSets(_sets, validating);
        var (vocabulary, contents) = LearnVocabulary([.. Enumerable.Range(0, _documents.Count)]);
        double[] prior = Prior();
        var repeated = RepeatedTexts.Fit(contents, _labels, _weights, prior);
        // If copies are not predictive, models that were fitted to copies of a document still score it fairly, and show that the copies are not predictive.
        var folds = StackFolds.Choose(repeated.ArePredictive ? contents : [.. contents.Select((_, row) => (ulong)row)], _labels, _weights, validating, _seed,
            IsDense ? StackFolds.EnoughDocuments : StackFolds.EnoughForSlopes);
        var documents = new IndexedDocuments(this, vocabulary);
        var fit = IsDense
            ? new StackedScorerTrainer(documents, _labels, _weights, prior, _seed, _parallel).Fit(folds)
            : new SparseScorerTrainer(documents, _labels, _weights, prior, _seed, _parallel).Fit(folds);
        var model = new NGramClassifier(vocabulary, fit.Scorer, repeated);
        // A document whose class is in no other fold has no held-out score: its logits are those of the prior.
        double[] logPrior = [.. prior.Select(share => Math.Log(share))];
        return new NGramFit(model, row => fit.HeldOutLogits(row) ?? logPrior, contents, _weights, _documents.Count);
    }

    /// <summary>Fits to a sample of the documents, without folds. It is used if the training time is too short for <see cref="Fit"/>.</summary>
    /// <param name="validating">The documents that validate the network; they are not sampled.</param>
    public NGramFit FitSample(IReadOnlyList<int> validating)
    {
        var excluded = new HashSet<int>(validating);
        int[] rows = Sample([.. Enumerable.Range(0, _documents.Count).Where(row => !excluded.Contains(row))]);
        var (vocabulary, _) = LearnVocabulary(rows);
        double[] prior = _sets is null ? Prior() : [];
        var documents = new IndexedDocuments(this, vocabulary);
        var scorer = _sets is not null ? FitSetsWithoutFolds(_sets, vocabulary, rows)
            : IsDense
            ? new StackedScorerTrainer(documents, _labels, _weights, prior, _seed, _parallel).FitWithoutFolds(rows)
            : new SparseScorerTrainer(documents, _labels, _weights, prior, _seed, _parallel).FitWithoutFolds(rows);
        var model = new NGramClassifier(vocabulary, scorer, RepeatedTexts.None);
        return new NGramFit(model, row => model.NewTextLogits(ReadText(row)), new ulong[_documents.Count], _weights, rows.Length);
    }

    /// <summary>Learns the n-grams of some documents.</summary>
    /// <returns>The n-grams, and the text of each of the documents, see <see cref="NGramText.ContentHash"/>.</returns>
    internal (NGramVocabulary Vocabulary, List<ulong> Contents) LearnVocabulary(IReadOnlyList<int> rows)
    {
        var contents = new List<ulong>();
        var counts = rows.CountBy(row => _labels[row]).ToDictionary();
        int maxCount = IsDense ? Math.Clamp(MaxWeights / LinearModel.StrideFor(_numClasses), 1, MaxVocabulary) : MaxVocabulary;
        return (NGramVocabulary.Learn(ReadTexts(rows, contents), maxCount, i => counts[_labels[rows[i]]] < SmallClass), contents);
    }

    // The share of each class. One extra document is divided among all classes, so that the logarithm of each share is finite.
    private double[] Prior()
    {
        double[] prior = new double[_numClasses];
        Array.Fill(prior, 1.0 / _numClasses);
        for (int row = 0; row < _labels.Length; row++)
            prior[_labels[row]] += _weights?[row] ?? 1;
        double sum = prior.Sum();
        return [.. prior.Select(share => share / sum)];
    }

    // One document of each class, then more in proportion to the classes.
    private int[] Sample(int[] rows)
    {
        new Random(_seed).Shuffle(rows);
        var ranked = rows.GroupBy(row => _labels[row])
            .SelectMany(members => members.Select((row, place) => (row, share: place == 0 ? 0 : (place + 0.5) / members.Count())));
        var sample = new List<int>();
        long tokens = 0;
        foreach (var (row, share) in ranked.OrderBy(pair => pair.share))
        {
            tokens += _documents.LengthOf(row);
            if (sample.Count >= 2 && share > 0 && (tokens > MaxSampledTokens || sample.Count >= MaxSampledDocuments))
                break;
            sample.Add(row);
        }
        return [.. sample.Order()];
    }

    private NGramText ReadText(int row) => NGramText.Read(_documents.TextOf(row), _readsCharacters);

    // Reads texts by all threads and returns them in order; adds the hash of each to the contents.
    private IEnumerable<NGramText> ReadTexts(IReadOnlyList<int> rows, List<ulong> contents)
    {
        for (int start = 0; start < rows.Count; start += DocumentsPerRound)
        {
            var round = new (NGramText Text, ulong Content)[Math.Min(DocumentsPerRound, rows.Count - start)];
            int first = start;
            Parallel.For(0, round.Length, _parallel, i =>
            {
                var text = ReadText(rows[first + i]);
                round[i] = (text, text.ContentHash);
            });
            foreach (var (text, content) in round)
            {
                contents.Add(content);
                yield return text;
            }
        }
    }

    /// <summary>The documents as indices into a vocabulary. A text is read each time it is asked for: all of them may not fit into memory.</summary>
    internal sealed class IndexedDocuments(NGramTrainer trainer, NGramVocabulary vocabulary)
    {
        public NGramVocabulary Vocabulary => vocabulary;

        public IndexedText this[int row] => vocabulary.Index(trainer.ReadText(row));

        /// <summary>Computes a value for each of some documents, by all threads.</summary>
        /// <returns>The value of each document; the default value for those that are not among <paramref name="rows"/>.</returns>
        public T[] Map<T>(IReadOnlyList<int> rows, Func<int, IndexedText, T> function)
        {
            var results = new T[trainer._documents.Count];
            Parallel.For(0, rows.Count, trainer._parallel, i => results[rows[i]] = function(rows[i], this[rows[i]]));
            return results;
        }

        /// <summary>Returns, for each n-gram of the vocabulary, whether some of the documents that models are fitted to have it.</summary>
        /// <remarks>
        /// A new document has n-grams that the vocabulary lacks. To score a held-out document like a new one, the n-grams that only its own fold has are
        /// ignored.
        /// </remarks>
        /// <param name="members">The documents that the models are fitted to.</param>
        /// <param name="indicesOf">Returns the n-grams of a document.</param>
        public bool[] KnownTo(int[] members, Func<int, int[]> indicesOf)
        {
            bool[] isKnown = new bool[vocabulary.Count];
            foreach (int row in members)
            {
                foreach (int index in indicesOf(row))
                    isKnown[index] = true;
            }

            return isKnown;
        }
    }
}
