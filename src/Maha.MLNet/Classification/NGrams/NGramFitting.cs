using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Training;


namespace Maha.MLNet.Classification.NGrams;

// n documents, V n-grams, C classes, K folds

/// <summary>A fitted model of n-grams, and what it says of validation documents that none of its parts was fitted to.</summary>
/// <param name="Model">The model, fitted to all documents.</param>
/// <param name="HeldOutLogits">The logits [C] of the validation rows, in their order; empty where there are none.</param>
internal sealed record NGramFit(NGramClassifier Model, IReadOnlyList<double[]> HeldOutLogits);

/// <summary>
/// Fits a stack of linear models over n-grams (Wolpert 1992): the second model learns from scores that the first ones give to documents
/// of folds that they did not see, since to documents they were fitted to linear models over n-grams are always right.
/// </summary>
/// <remarks>It reads the texts of the kept token ids, so that n-grams and network see the same of a document that was cut.</remarks>
internal sealed class NGramFitting
{
    /// <summary>With more classes the weights would take more memory than they are worth.</summary>
    public const int MaxClasses = 4096;

    private const int NumFolds = 5;
    private const int FewDocuments = 10;
    private const int MaxVocabulary = 300_000;
    private const int MaxWeights = 1 << 24;
    private const int DocumentsPerRound = 512;

    // The vectors of documents have the length 1, the means of segments' vectors are shorter.
    private const double CostOfDocuments = 10;
    private const double CostOfSegments = 30;

    private readonly ITokenizedDocuments _documents;
    private readonly ByteLevelBpeTokenizer _tokenizer;
    private readonly int _numClasses;
    private readonly int _seed;
    private readonly ParallelOptions _parallel;
    private readonly int[] _labels;
    private readonly float[]? _weights;

    /// <param name="documents">The documents with their labels.</param>
    /// <param name="tokenizer">What made their token ids.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="weighting">How much a document counts by its class.</param>
    /// <param name="seed">Of folds and orders.</param>
    /// <param name="parallel">Threads and cancellation.</param>
    public NGramFitting(ITokenizedDocuments documents, ByteLevelBpeTokenizer tokenizer, int numClasses, ClassWeighting weighting, int seed, ParallelOptions parallel)
    {
        _documents = documents;
        _tokenizer = tokenizer;
        _numClasses = numClasses;
        _seed = seed;
        _parallel = parallel;
        _labels = [.. Enumerable.Range(0, documents.Count).Select(documents.LabelOf)];
        if (weighting != ClassWeighting.Balanced)
            return;
        var counts = _labels.CountBy(label => label).ToDictionary();
        _weights = [.. _labels.Select(label => (float)_labels.Length / (counts.Count * counts[label]))];
    }

    /// <summary>Fits to all documents.</summary>
    /// <param name="validating">The rows of the documents that validate the network; none where they are others.</param>
    public NGramFit Fit(IReadOnlyList<int> validating)
    {
        var (vocabulary, vectors, contents) = Read();
        double[][] features = OutOfFold(vocabulary, vectors, Folds(contents, _labels, _seed));
        int[] rows = [.. Enumerable.Range(0, vectors.Length)];
        var held = new HashSet<int>(validating);
        IReadOnlyList<double[]> heldOut = [];
        if (held.Count > 0)
        {
            var honest = FitStacking(features, [.. rows.Where(row => !held.Contains(row))]);
            heldOut = [.. validating.Select(row => honest.Logits(features[row]))];
        }
        return new NGramFit(new NGramClassifier(vocabulary, FitLinear(vocabulary, vectors, rows), FitStacking(features, rows)), heldOut);
    }

    /// <summary>The text of the kept tokens of a document.</summary>
    public static string TextOf(ITokenizedDocuments documents, ByteLevelBpeTokenizer tokenizer, int row)
    {
        int[] ids = new int[documents.LengthOf(row)];
        documents.CopyTokens(row, ids);
        return tokenizer.Decode(ids);
    }

    /// <summary>The n-grams of the documents, the vector of each, and a number for what each holds.</summary>
    public (NGramVocabulary Vocabulary, DocumentVectors[] Vectors, List<ulong> Contents) Read()
    {
        var contents = new List<ulong>();
        var vocabulary = NGramVocabulary.Learn(Texts(contents), Math.Clamp(MaxWeights / LinearModel.StrideOf(_numClasses), 1, MaxVocabulary));
        var vectors = new DocumentVectors[_documents.Count];
        Parallel.For(0, vectors.Length, _parallel, row => vectors[row] = DocumentVectors.Of(vocabulary, Indexed(vocabulary, row)));
        return (vocabulary, vectors, contents);
    }

    /// <summary>The features of every document under linear models of the other folds.</summary>
    public double[][] OutOfFold(NGramVocabulary vocabulary, DocumentVectors[] vectors, int[] folds)
    {
        var features = new double[vectors.Length][];
        int[] rows = [.. Enumerable.Range(0, vectors.Length)];
        Parallel.For(0, folds.Max() + 1, _parallel, fold =>
        {
            var parts = FitLinear(vocabulary, vectors, [.. rows.Where(row => folds[row] != fold)]);
            foreach (int row in rows.Where(row => folds[row] == fold))
            {
                _parallel.CancellationToken.ThrowIfCancellationRequested();
                features[row] = StackedFeatures.Of(vocabulary, Indexed(vocabulary, row), parts);
            }
        });
        return features;
    }

    /// <summary>The fold of each document, from 0: each class in the same proportion, and documents of one content in one fold.</summary>
    internal static int[] Folds(IReadOnlyList<ulong> contents, IReadOnlyList<int> labels, int seed)
    {
        int count = contents.Count < FewDocuments ? 2 : NumFolds;
        int[] folds = new int[contents.Count], order = [.. Enumerable.Range(0, contents.Count)];
        new Random(seed).Shuffle(order);
        var ofContent = new Dictionary<ulong, int>();
        // Classes begin in turn, so that many small ones fill all folds alike.
        var next = new Dictionary<int, int>();
        foreach (int row in order)
        {
            if (!ofContent.TryGetValue(contents[row], out int fold))
            {
                int place = next.GetValueOrDefault(labels[row], labels[row]);
                next[labels[row]] = place + 1;
                ofContent.Add(contents[row], fold = place % count);
            }
            folds[row] = fold;
        }
        // Where all documents have one content, or each class begins alike, a fold may have all of them.
        return folds.Distinct().Count() > 1 ? folds : [.. folds.Select((_, row) => row % count)];
    }

    private LinearParts FitLinear(NGramVocabulary vocabulary, DocumentVectors[] vectors, int[] members)
    {
        (Func<int, SparseVector> VectorOf, double Cost)[] parts =
        [
            (row => new SparseVector(vectors[row].Indices, vectors[row].Document), CostOfDocuments),
            (row => new SparseVector(vectors[row].Indices, vectors[row].Segments), CostOfSegments),
            (row => vectors[row].Beginning, CostOfDocuments),
            (row => vectors[row].Ending, CostOfDocuments),
        ];
        var models = new LinearModel[parts.Length];
        Parallel.For(0, parts.Length, _parallel, i =>
        {
            models[i] = LogisticDualAscent.Fit(parts[i].VectorOf, _labels, _weights, members, vocabulary.Count, _numClasses,
                new LogisticDualAscent.Settings(parts[i].Cost, Seed: _seed), _parallel.CancellationToken);
            models[i].Round();
        });
        return LinearParts.Of(models);
    }

    private StackingModel FitStacking(double[][] features, int[] members)
        => StackingModel.Fit(features, _labels, _weights, members, _numClasses, StackedFeatures.NumBlocks, _parallel);

    private IndexedText Indexed(NGramVocabulary vocabulary, int row) => vocabulary.Index(Text(row));

    private NGramText Text(int row) => NGramText.Read(TextOf(_documents, _tokenizer, row));

    // Read by all threads, given in order; what each holds is added to the contents.
    private IEnumerable<NGramText> Texts(List<ulong> contents)
    {
        for (int start = 0; start < _documents.Count; start += DocumentsPerRound)
        {
            var round = new NGramText[Math.Min(DocumentsPerRound, _documents.Count - start)];
            int first = start;
            Parallel.For(0, round.Length, _parallel, i => round[i] = Text(first + i));
            foreach (var text in round)
            {
                contents.Add(text.Tokens.Aggregate(0UL, NGramText.Pair));
                yield return text;
            }
        }
    }
}

/// <summary>The vector of a document and the mean of its segments' vectors, over the same n-grams, and the vectors of its two ends.</summary>
internal readonly record struct DocumentVectors(int[] Indices, float[] Document, float[] Segments, SparseVector Beginning, SparseVector Ending)
{
    public static DocumentVectors Of(NGramVocabulary vocabulary, IndexedText text)
    {
        var whole = vocabulary.Vector(text, 0, text.Tokens.Length);
        float[] means = new float[whole.Indices.Length];
        foreach (var (start, end) in text.Segments())
        {
            var part = vocabulary.Vector(text, start, end);
            for (int i = 0; i < part.Indices.Length; i++)
                means[Array.BinarySearch(whole.Indices, part.Indices[i])] += part.Values[i] / text.SegmentEnds.Length;
        }
        return new DocumentVectors(whole.Indices, whole.Values, means, LinearParts.Beginning(vocabulary, text), LinearParts.Ending(vocabulary, text));
    }
}
