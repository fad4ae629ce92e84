using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

// V n-grams, C classes

/// <summary>Linear models over n-grams, and the texts of which copies are known. Safe to use from many threads.</summary>
/// <param name="vocabulary">The n-grams.</param>
/// <param name="scorer">What they tell.</param>
/// <param name="known">The texts of several training documents.</param>
internal sealed class NGramClassifier(NGramVocabulary vocabulary, NGramScorer scorer, KnownTexts known)
{
    /// <summary>With more classes than this every n-gram has weights for its own classes only.</summary>
    public const int MaxDenseClasses = StackingModel.MaxFullClasses;

    // Earlier versions' streams have no weights beside the stack and no known texts, and dense weights for any number of classes.
    private const int FirstFormatWithWeights = 3;
    private const int MaxVocabulary = 1 << 24;

    /// <summary>V.</summary>
    public int NumFeatures => vocabulary.Count;

    /// <summary>The texts of which copies are known.</summary>
    public KnownTexts Known => known;

    /// <summary>The logits of a text, [C].</summary>
    public double[] Logits(ReadOnlySpan<char> text)
    {
        var read = Read(text);
        return known.Recall(NewTextLogits(read), read.Content);
    }

    /// <summary>Reads what the model knows of texts.</summary>
    public NGramText Read(ReadOnlySpan<char> text) => NGramText.Read(text, vocabulary.HasCharacters);

    /// <summary>The logits of a text as if no copy of it was known, [C].</summary>
    public double[] NewTextLogits(NGramText text) => scorer.Logits(vocabulary, vocabulary.Index(text));

    // *** Format *** little-endian: Int32 V, Int32 C, Int32 known texts T, Int32 their entries E, Int32 1 where characters are n-grams and else 0, then without gaps UInt64 hashes [V], Single idf [V].
    // Up to MaxDenseClasses: for documents, segments, beginnings and endings Single biases [C], Half weights [V, C]; Double means [F], scales [F] and parameters of the stack,
    // Double ln prior [C], slope, share. With more classes: Int32 views K, Int32 weights [K]; for each view Int32 ends [V], Int32 classes, Half weights; Double ln prior [C], slopes [K].
    // Known texts: Double smoothing, UInt64 contents [T], Int32 ends [T], Int32 classes [E], Single counts [E].
    // Before format 3: Int32 V, Int32 C, hashes and idf, the linear models and the stack.

    /// <summary>Writes the model.</summary>
    public void Save(Stream stream)
    {
        Write<int>(stream, [vocabulary.Count, scorer.NumClasses, known.Contents.Length, known.Classes.Length, vocabulary.HasCharacters ? 1 : 0]);
        Write<ulong>(stream, vocabulary.Hashes);
        Write<float>(stream, vocabulary.Idf);
        if (scorer is StackedScorer stacked)
        {
            foreach (var model in stacked.Parts.All)
                Write(stream, model);
            Write<double>(stream, stacked.Stacking.Mean);
            Write<double>(stream, stacked.Stacking.Scale);
            Write<double>(stream, stacked.Stacking.Parameters);
            Write<double>(stream, stacked.Weights.LogPrior);
            Write<double>(stream, [stacked.Weights.Slope, stacked.Weights.Share]);
        }
        else
        {
            var sparse = (SparseScorer)scorer;
            Write<int>(stream, [sparse.Views.Count, .. sparse.Views.Select(view => view.Weights.Length)]);
            foreach (var view in sparse.Views)
            {
                Write<int>(stream, view.Ends);
                Write<int>(stream, view.Classes);
                Write<Half>(stream, [.. view.Weights.Select(weight => (Half)weight)]);
            }
            Write<double>(stream, sparse.LogPrior);
            Write<double>(stream, sparse.Slopes);
        }
        Write<double>(stream, [known.Smoothing]);
        Write<ulong>(stream, known.Contents);
        Write<int>(stream, known.Ends);
        Write<int>(stream, known.Classes);
        Write<float>(stream, known.Counts);
    }

    /// <summary>Reads a model that <see cref="Save"/> wrote.</summary>
    /// <param name="stream">A stream that can tell its length.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="format">The form of the classifier's file.</param>
    /// <exception cref="InvalidDataException">The stream holds something else.</exception>
    public static NGramClassifier Load(Stream stream, int numClasses, int format)
    {
        bool hasWeights = format >= FirstFormatWithWeights, isDense = !hasWeights || numClasses <= MaxDenseClasses;
        long length = stream.Length - stream.Position, header = sizeof(int) * (hasWeights ? 5 : 2);
        if (length < header)
            throw Damaged($"has {length} bytes");
        int[] counts = Read<int>(stream, (int)header / sizeof(int));
        int count = counts[0];
        var (texts, entries) = hasWeights ? (counts[2], counts[3]) : (0, 0);
        if (counts[1] != numClasses || count is < 0 or > MaxVocabulary)
            throw Damaged($"says {count} n-grams and {counts[1]} classes");
        if (hasWeights && counts[4] is not (0 or 1))
            throw Damaged($"says {counts[4]} where 1 stands for characters and 0 for none");
        if (texts < 0 || entries < texts)
            throw Damaged($"says {texts} known texts with {entries} counts");
        // Before anything is allocated: a few bytes could ask for all memory.
        long expected = header + count * 12L + (hasWeights ? 8 + texts * 12L + entries * 8L : 0);
        if (isDense)
        {
            long features = StackedFeatures.NumBlocks * (long)numClasses;
            long parameters = (numClasses <= MaxDenseClasses ? features * numClasses : StackedFeatures.NumBlocks) + numClasses;
            expected += LinearParts.Count * (4L * numClasses + 2L * count * numClasses) + 8 * (2 * features + parameters + (hasWeights ? numClasses + 2 : 0));
        }
        RequireLength(isDense ? length == expected : length >= expected, length, count, expected);

        ulong[] hashes = Read<ulong>(stream, count);
        float[] idf = Read<float>(stream, count);
        if (hashes.Distinct().Count() != count)
            throw Damaged("names an n-gram twice");
        NGramScorer scorer = isDense ? ReadStacked(stream, count, numClasses, hasWeights) : ReadSparse(stream, count, numClasses, length, expected);
        return new NGramClassifier(new NGramVocabulary(hashes, idf, hasWeights && counts[4] == 1), scorer, hasWeights ? ReadKnown(stream, texts, entries, numClasses) : KnownTexts.None);
    }

    private static StackedScorer ReadStacked(Stream stream, int count, int classes, bool hasWeights)
    {
        var models = new LinearModel[LinearParts.Count];
        for (int m = 0; m < models.Length; m++)
        {
            var model = models[m] = new LinearModel(count, classes);
            Read<float>(stream, classes).CopyTo(model.Bias, 0);
            var weights = new Half[classes];
            for (int f = 0; f < count; f++)
            {
                stream.ReadExactly(MemoryMarshal.AsBytes(weights.AsSpan()));
                for (int c = 0; c < classes; c++)
                    model.Weights[f * model.Stride + c] = (float)weights[c];
            }
        }
        var stacking = new StackingModel(classes, StackedFeatures.NumBlocks);
        foreach (double[] part in new[] { stacking.Mean, stacking.Scale, stacking.Parameters })
            stream.ReadExactly(MemoryMarshal.AsBytes(part.AsSpan()));
        if (!hasWeights)
            return new StackedScorer(LinearParts.Of(models), stacking, StackWeights.StackAlone(classes));
        double[] logPrior = Read<double>(stream, classes), rest = Read<double>(stream, 2);
        RequireWeights(logPrior, rest);
        return new StackedScorer(LinearParts.Of(models), stacking, new StackWeights(logPrior, rest[0], rest[1]));
    }

    private static SparseScorer ReadSparse(Stream stream, int count, int classes, long length, long expected)
    {
        int numViews = Read<int>(stream, 1)[0];
        if (numViews is < 1 or > SparseScorer.MaxViews)
            throw Damaged($"says {numViews} views");
        RequireLength(length >= expected + 4 + 4L * numViews, length, count, expected);
        int[] sizes = Read<int>(stream, numViews);
        if (sizes.Any(size => size < 0))
            throw Damaged("says a number of weights below 0");
        long whole = expected + 4 + 4L * numViews + numViews * 4L * count + sizes.Sum(size => 6L * size) + 8L * (classes + numViews);
        RequireLength(length == whole, length, count, whole);
        var views = new SparseLinearModel[numViews];
        for (int view = 0; view < numViews; view++)
        {
            int[] ends = Read<int>(stream, count), ofWeights = Read<int>(stream, sizes[view]);
            RequireEnds(ends, ofWeights, classes);
            views[view] = new SparseLinearModel(ends, ofWeights, [.. Read<Half>(stream, sizes[view]).Select(weight => (float)weight)]);
        }
        double[] logPrior = Read<double>(stream, classes), slopes = Read<double>(stream, numViews);
        RequireWeights(logPrior, slopes);
        return new SparseScorer(views, logPrior, slopes);
    }

    private static KnownTexts ReadKnown(Stream stream, int texts, int entries, int classes)
    {
        double smoothing = Read<double>(stream, 1)[0];
        ulong[] contents = Read<ulong>(stream, texts);
        int[] ends = Read<int>(stream, texts), ofEntries = Read<int>(stream, entries);
        RequireEnds(ends, ofEntries, classes);
        float[] counts = Read<float>(stream, entries);
        if (!(smoothing > 0 && double.IsFinite(smoothing)) || counts.Any(value => !(value >= 0 && float.IsFinite(value))))
            throw Damaged("has counts or a smoothing that are not positive numbers");
        if (contents.Distinct().Count() != texts)
            throw Damaged("names a text twice");
        return new KnownTexts(smoothing, contents, ends, ofEntries, counts);
    }

    // Places of the lists, in order, and classes that exist.
    private static void RequireEnds(int[] ends, int[] classes, int numClasses)
    {
        for (int i = 0, before = 0; i < ends.Length; before = ends[i++])
        {
            if (ends[i] < before || ends[i] > classes.Length)
                throw Damaged($"has a list that ends at {ends[i]}, behind {before} of {classes.Length}");
        }

        foreach (int c in classes)
        {
            if (c < 0 || c >= numClasses)
                throw Damaged($"has a weight for the class {c} of {numClasses}");
        }

        if ((ends.Length == 0 ? 0 : ends[^1]) != classes.Length)
            throw Damaged($"has {classes.Length} entries, but lists of {(ends.Length == 0 ? 0 : ends[^1])}");
    }

    private static void RequireWeights(double[] logPrior, double[] weights)
    {
        if (!logPrior.All(double.IsFinite) || !weights.All(weight => weight >= 0 && double.IsFinite(weight)))
            throw Damaged("has weights that are not numbers of at least 0");
    }

    private static void RequireLength(bool isRight, long length, int count, long expected)
    {
        if (!isRight)
            throw Damaged($"has {length} bytes for {count} n-grams, which take {expected}");
    }

    private static void Write(Stream stream, LinearModel model)
    {
        int classes = model.NumClasses;
        Write<float>(stream, model.Bias.AsSpan(0, classes));
        var row = new Half[classes];
        for (int f = 0; f < model.Weights.Length / model.Stride; f++)
        {
            for (int c = 0; c < classes; c++)
                row[c] = (Half)model.Weights[f * model.Stride + c];
            Write<Half>(stream, row);
        }
    }

    private static void Write<T>(Stream stream, ReadOnlySpan<T> values) where T : struct => stream.Write(MemoryMarshal.AsBytes(values));

    private static T[] Read<T>(Stream stream, int count) where T : struct
    {
        var values = new T[count];
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static InvalidDataException Damaged(string what)
        => new($"The stream of the n-grams must hold a model of the classifier's classes, but {what}. The file is damaged: save the model again.");
}
