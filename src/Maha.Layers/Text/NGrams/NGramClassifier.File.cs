using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

// V n-grams, C classes, K views, T repeated texts, E their entries

// *** Format 3 *** little-endian, without gaps:
//   Int32 V; Int32 C; Int32 T; Int32 E; Int32 1 if there are character trigrams, else 0, plus 2 if documents have several labels;
//   UInt64 hashes [V]; Single idf [V]
//   if documents have several labels: see NGramClassifier.Labels.cs
//   else if C is at most MaxDenseClasses:
//     for each of the document, segment, beginning and ending models: Single biases [C]; Half weights [V, C]
//     of the stack: Double means [F]; Double scales [F]; Double parameters
//     Double ln prior [C]; Double slope; Double share
//   else:
//     Int32 K; Int32 number of weights [K]; for each view: Int32 ends [V]; Int32 classes; Half weights
//     Double ln prior [C]; Double slopes [K]
//   Double smoothing; UInt64 text hashes [T]; Int32 ends [T]; Int32 classes [E]; Single counts [E]
// Before format 3: Int32 V; Int32 C; hashes; idf; the linear models and the stack, for any C.
internal sealed partial class NGramClassifier
{
    private const int FirstFormatWithWeights = 3;
    private const int CharactersFlag = 1;
    private const int LabelsFlag = 2;
    private const int MaxVocabulary = 1 << 24;

    /// <summary>Writes the model.</summary>
    public void Save(Stream stream)
    {
        int flags = (vocabulary.HasCharacters ? CharactersFlag : 0) + (scorer is LabelScorer ? LabelsFlag : 0);
        Write<int>(stream, [vocabulary.Count, scorer.NumClasses, repeated.Hashes.Length, repeated.Classes.Length, flags]);
        Write<ulong>(stream, vocabulary.Hashes);
        Write<float>(stream, vocabulary.Idf);
        if (scorer is LabelScorer labels)
        {
            Write(stream, labels);
        }
        else if (scorer is StackedScorer stacked)
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
        Write<double>(stream, [repeated.Smoothing]);
        Write<ulong>(stream, repeated.Hashes);
        Write<int>(stream, repeated.Ends);
        Write<int>(stream, repeated.Classes);
        Write<float>(stream, repeated.Counts);
    }

    /// <summary>Reads a model that <see cref="Save"/> wrote.</summary>
    /// <param name="stream">A stream whose length is known.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="format">The format version of the classifier's file.</param>
    /// <param name="haveLabels">Whether documents have several labels, and not one class each.</param>
    /// <exception cref="InvalidDataException">The stream does not hold such a model.</exception>
    public static NGramClassifier Load(Stream stream, int numClasses, int format, bool haveLabels = false)
    {
        bool hasWeights = format >= FirstFormatWithWeights, isDense = !hasWeights || numClasses <= MaxDenseClasses;
        long length = stream.Length - stream.Position, header = sizeof(int) * (hasWeights ? 5 : 2);
        if (length < header)
            throw Damaged($"has {length} bytes, fewer than its header");
        int[] counts = Read<int>(stream, (int)header / sizeof(int));
        int count = counts[0];
        var (texts, entries) = hasWeights ? (counts[2], counts[3]) : (0, 0);
        if (counts[1] != numClasses || count is < 0 or > MaxVocabulary)
            throw Damaged($"has {count} n-grams and {counts[1]} classes, but the classifier has {numClasses} classes");
        int flags = hasWeights ? counts[4] : 0;
        if ((flags & ~CharactersFlag) != (haveLabels ? LabelsFlag : 0))
            throw Damaged($"has {flags} as the mark of character trigrams and labels, which must be {(haveLabels ? "2 or 3" : "0 or 1")}");
        if (texts < 0 || entries < texts)
            throw Damaged($"has {texts} repeated texts with {entries} counts");
        // Checked before anything is allocated: a damaged count could ask for all memory.
        long expected = header + count * 12L + (hasWeights ? 8 + texts * 12L + entries * 8L : 0);
        if (haveLabels)
        {
            expected += LengthOfLabels(count, numClasses);
        }
        else if (isDense)
        {
            long features = StackedFeatures.NumBlocks * (long)numClasses;
            long parameters = (numClasses <= MaxDenseClasses ? features * numClasses : StackedFeatures.NumBlocks) + numClasses;
            expected += LinearParts.Count * (4L * numClasses + 2L * count * numClasses) + 8 * (2 * features + parameters + (hasWeights ? numClasses + 2 : 0));
        }
        RequireLength(isDense || haveLabels ? length == expected : length >= expected, length, count, expected);

        ulong[] hashes = Read<ulong>(stream, count);
        float[] idf = Read<float>(stream, count);
        if (hashes.Distinct().Count() != count)
            throw Damaged("has an n-gram twice");
        NGramScorer scorer = haveLabels ? ReadLabels(stream, count, numClasses)
            : isDense ? ReadStacked(stream, count, numClasses, hasWeights) : ReadSparse(stream, count, numClasses, length, expected);
        var repeated = hasWeights ? ReadRepeatedTexts(stream, texts, entries, numClasses) : RepeatedTexts.None;
        return new NGramClassifier(new NGramVocabulary(hashes, idf, (flags & CharactersFlag) != 0), scorer, repeated);
    }

    private static StackedScorer ReadStacked(Stream stream, int count, int classes, bool hasWeights)
    {
        var parts = ReadParts(stream, count, classes);
        var stacking = new StackingModel(classes, StackedFeatures.NumBlocks);
        foreach (double[] part in new[] { stacking.Mean, stacking.Scale, stacking.Parameters })
        {
            stream.ReadExactly(MemoryMarshal.AsBytes(part.AsSpan()));
            RequireFinite<double>(part);
        }
        if (!hasWeights)
            return new StackedScorer(parts, stacking, StackWeights.StackAlone(classes));
        double[] logPrior = Read<double>(stream, classes), rest = Read<double>(stream, 2);
        RequireWeights(logPrior, rest);
        return new StackedScorer(parts, stacking, new StackWeights(logPrior, rest[0], rest[1]));
    }

    private static LinearParts ReadParts(Stream stream, int count, int classes)
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
                RequireFinite<Half>(weights);
                for (int c = 0; c < classes; c++)
                    model.Weights[f * model.Stride + c] = (float)weights[c];
            }
        }
        return new LinearParts(models);
    }

    private static SparseScorer ReadSparse(Stream stream, int count, int classes, long length, long expected)
    {
        int numViews = Read<int>(stream, 1)[0];
        if (numViews is < 1 or > SparseScorer.MaxViews)
            throw Damaged($"has {numViews} views, but must have 1 to {SparseScorer.MaxViews}");
        RequireLength(length >= expected + 4 + 4L * numViews, length, count, expected);
        int[] sizes = Read<int>(stream, numViews);
        if (sizes.Any(size => size < 0))
            throw Damaged("has a negative number of weights");
        long whole = expected + 4 + 4L * numViews + numViews * 4L * count + sizes.Sum(size => 6L * size) + 8L * (classes + numViews);
        RequireLength(length == whole, length, count, whole);
        var views = new SparseLinearModel[numViews];
        for (int view = 0; view < numViews; view++)
        {
            int[] ends = Read<int>(stream, count), classesOfWeights = Read<int>(stream, sizes[view]);
            RequireEnds(ends, classesOfWeights, classes);
            views[view] = new SparseLinearModel(ends, classesOfWeights, [.. Read<Half>(stream, sizes[view]).Select(weight => (float)weight)]);
        }
        double[] logPrior = Read<double>(stream, classes), slopes = Read<double>(stream, numViews);
        RequireWeights(logPrior, slopes);
        return new SparseScorer(views, logPrior, slopes);
    }

    private static RepeatedTexts ReadRepeatedTexts(Stream stream, int texts, int entries, int classes)
    {
        double smoothing = Read<double>(stream, 1)[0];
        ulong[] hashes = Read<ulong>(stream, texts);
        int[] ends = Read<int>(stream, texts), classesOfEntries = Read<int>(stream, entries);
        RequireEnds(ends, classesOfEntries, classes);
        float[] counts = Read<float>(stream, entries);
        if (!(smoothing > 0 && double.IsFinite(smoothing)) || counts.Any(value => !(value >= 0 && float.IsFinite(value))))
            throw Damaged("has counts that are not finite numbers of at least 0, or a smoothing that is not a finite number above 0");
        if (hashes.Distinct().Count() != texts)
            throw Damaged("has a repeated text twice");
        return new RepeatedTexts(smoothing, hashes, ends, classesOfEntries, counts);
    }

    // The ends of lists must not descend, the last must be the number of entries, and each class must exist.
    private static void RequireEnds(int[] ends, int[] classes, int numClasses)
    {
        for (int i = 0, before = 0; i < ends.Length; before = ends[i++])
        {
            if (ends[i] < before || ends[i] > classes.Length)
                throw Damaged($"has a list that begins at {before} and ends at {ends[i]} of {classes.Length} entries");
        }

        foreach (int c in classes)
        {
            if (c < 0 || c >= numClasses)
                throw Damaged($"has an entry for class {c}, but classes 0 to {numClasses - 1}");
        }

        if ((ends.Length == 0 ? 0 : ends[^1]) != classes.Length)
            throw Damaged($"has {classes.Length} entries, but the last list ends at {(ends.Length == 0 ? 0 : ends[^1])}");
    }

    private static void RequireWeights(double[] logPrior, double[] weights)
    {
        if (!logPrior.All(double.IsFinite) || !weights.All(weight => weight >= 0 && double.IsFinite(weight)))
            throw Damaged("has weights that are not finite numbers of at least 0, or logarithms of shares that are not finite");
    }

    private static void RequireLength(bool isValid, long length, int count, long expected)
    {
        if (!isValid)
            throw Damaged($"has {length} bytes, but its {count} n-grams take {expected}");
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
        RequireFinite<T>(values);
        return values;
    }

    private static void RequireFinite<T>(ReadOnlySpan<T> values) where T : struct
    {
        foreach (var value in values)
        {
            if (value is float and not (>= float.MinValue and <= float.MaxValue) or double and not (>= double.MinValue and <= double.MaxValue)
                || (value is Half half && !Half.IsFinite(half)))
            {
                throw Damaged($"has the number {value}, but numbers must be finite");
            }
        }
    }

    private static InvalidDataException Damaged(string defect)
        => new($"The n-gram stream must hold a model of the classifier's classes, but it {defect}. The file is damaged: save the model again.");
}
