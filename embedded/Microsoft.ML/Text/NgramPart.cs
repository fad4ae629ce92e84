using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML.Text;

/// <summary>The n-grams of words or of characters with their weights.</summary>
internal sealed class NgramPart
{
    private readonly NgramExtractingEstimator.WeightingCriteria _weighting;
    private readonly List<int> _documents = [];
    private long _rows;
    private double[] _inverseFrequencies;

    private NgramPart(WordBagEstimator.Options options, int tokenBits)
    {
        _weighting = options.Weighting;
        Dictionary = new NgramDictionary(tokenBits, options.NgramLength, options.SkipLength, NgramDictionary.Limits(options));
    }

    public NgramDictionary Dictionary { get; }

    private bool NeedsFrequencies => _weighting != NgramExtractingEstimator.WeightingCriteria.Tf;

    public static NgramPart Create(WordBagEstimator.Options options, int tokenBits) => options == null ? null : new NgramPart(options, tokenBits);

    public void Train(ReadOnlySpan<uint> tokens, uint[] scratch, NgramCounter counter)
    {
        Dictionary.Visit(tokens, scratch, add: true, counter);
        _rows++;
        if (NeedsFrequencies)
        {
            while (_documents.Count < Dictionary.Count)
                _documents.Add(0);
            foreach (int slot in counter.Slots())
                _documents[slot]++;
        }

        counter.Clear();
    }

    public void EndTraining()
    {
        if (NeedsFrequencies)
            _inverseFrequencies = _documents.Select(n => Math.Log((double)_rows / n)).ToArray();
    }

    public void AddNames(List<ReadOnlyMemory<char>> names, string prefix, Func<uint, string> nameOf)
    {
        var text = new System.Text.StringBuilder();
        for (int slot = 0, position = 0; slot < Dictionary.Count; slot++)
        {
            text.Clear().Append(prefix);
            string separator = "";
            foreach (uint token in Dictionary.Tokens(slot, ref position))
            {
                text.Append(separator).Append(nameOf(token));
                separator = "|";
            }

            names.Add(text.ToString().AsMemory());
        }
    }

    public void Fill(NgramCounter counter, ReadOnlySpan<int> slots, int offset, Span<float> values, Span<int> indices, TextFeaturizingEstimator.NormFunction norm)
    {
        for (int i = 0; i < slots.Length; i++)
        {
            indices[i] = offset + slots[i];
            values[i] = _weighting switch
            {
                NgramExtractingEstimator.WeightingCriteria.Tf => counter.Count(slots[i]),
                NgramExtractingEstimator.WeightingCriteria.Idf => (float)_inverseFrequencies[slots[i]],
                _ => (float)(counter.Count(slots[i]) * _inverseFrequencies[slots[i]]),
            };
        }

        Normalize(values[..slots.Length], norm);
    }

    public void Save(BinaryWriter writer)
    {
        Dictionary.Save(writer);
        for (int slot = 0; slot < _inverseFrequencies?.Length; slot++)
            writer.Write(_inverseFrequencies[slot]);
    }

    public void Load(BinaryReader reader)
    {
        Dictionary.Load(reader);
        if (!NeedsFrequencies)
            return;
        _inverseFrequencies = new double[Dictionary.Count];
        for (int slot = 0; slot < _inverseFrequencies.Length; slot++)
        {
            _inverseFrequencies[slot] = reader.ReadDouble();
            Contracts.CheckDecode(_inverseFrequencies[slot] >= 0, "Inverse document frequencies must not be negative. The model file is damaged.");
        }
    }

    public static void WriteOptions(BinaryWriter writer, WordBagEstimator.Options options)
    {
        writer.Write(options != null);
        if (options == null)
            return;
        writer.Write(options.NgramLength);
        writer.Write(options.SkipLength);
        writer.Write(options.UseAllLengths);
        int[] counts = options.MaximumNgramsCount ?? [];
        writer.Write(counts.Length);
        foreach (int count in counts)
            writer.Write(count);
        writer.Write((int)options.Weighting);
    }

    public static WordBagEstimator.Options ReadOptions(BinaryReader reader)
    {
        if (!reader.ReadBoolean())
            return null;
        var options = new WordBagEstimator.Options { NgramLength = reader.ReadInt32(), SkipLength = reader.ReadInt32(), UseAllLengths = reader.ReadBoolean() };
        int counts = reader.ReadInt32();
        Contracts.CheckDecode(counts is >= 0 and <= NgramDictionary.MaxSkipNgramLength, $"There may be 0 to {NgramDictionary.MaxSkipNgramLength} maximum counts, but there are {counts}. The model file is damaged.");
        options.MaximumNgramsCount = Enumerable.Range(0, counts).Select(_ => reader.ReadInt32()).ToArray();
        options.Weighting = (NgramExtractingEstimator.WeightingCriteria)reader.ReadInt32();
        Contracts.CheckDecode(Enum.IsDefined(options.Weighting), $"The weighting {options.Weighting} is not known. The model file is damaged.");
        return options;
    }

    private static void Normalize(Span<float> values, TextFeaturizingEstimator.NormFunction norm)
    {
        // Below this a row is left as it is: scaling it up would only magnify rounding.
        const float SmallestScale = 1e-8f;
        double size = 0;
        foreach (float value in values)
        {
            size = norm switch
            {
                TextFeaturizingEstimator.NormFunction.L1 => size + Math.Abs(value),
                TextFeaturizingEstimator.NormFunction.L2 => size + (double)value * value,
                _ => Math.Max(size, Math.Abs(value)),
            };
        }

        if (norm == TextFeaturizingEstimator.NormFunction.L2)
            size = Math.Sqrt(size);
        float scale = size > 0 ? 1 / (float)size : 1;
        if (norm == TextFeaturizingEstimator.NormFunction.None || scale < SmallestScale)
            return;
        for (int i = 0; i < values.Length; i++)
            values[i] *= scale;
    }
}
