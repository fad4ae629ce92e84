using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML;

public static class TextCatalog
{
    public static TextFeaturizingEstimator FeaturizeText(this TransformsCatalog.TextTransforms catalog, string outputColumnName, string inputColumnName = null)
        => new(Contracts.CheckRef(catalog, nameof(catalog)).GetEnvironment(), outputColumnName, [inputColumnName ?? outputColumnName]);

    public static TextFeaturizingEstimator FeaturizeText(this TransformsCatalog.TextTransforms catalog, string outputColumnName,
        TextFeaturizingEstimator.Options options, params string[] inputColumnNames)
        => new(Contracts.CheckRef(catalog, nameof(catalog)).GetEnvironment(), outputColumnName,
            inputColumnNames is { Length: > 0 } ? inputColumnNames : [outputColumnName], options);

    public static TextNormalizingEstimator NormalizeText(this TransformsCatalog.TextTransforms catalog, string outputColumnName, string inputColumnName = null,
        TextNormalizingEstimator.CaseMode caseMode = TextNormalizingEstimator.CaseMode.Lower, bool keepDiacritics = false, bool keepPunctuations = true, bool keepNumbers = true)
        => new(Contracts.CheckRef(catalog, nameof(catalog)).GetEnvironment(), outputColumnName, inputColumnName, caseMode, keepDiacritics, keepPunctuations, keepNumbers);

    public static WordBagEstimator ProduceWordBags(this TransformsCatalog.TextTransforms catalog, string outputColumnName, string inputColumnName = null,
        int ngramLength = 2, int skipLength = 0, bool useAllLengths = true, int maximumNgramsCount = NgramExtractingEstimator.DefaultMaximumCount,
        NgramExtractingEstimator.WeightingCriteria weighting = NgramExtractingEstimator.WeightingCriteria.Tf)
        => new(Contracts.CheckRef(catalog, nameof(catalog)).GetEnvironment(), outputColumnName, inputColumnName,
            Options(ngramLength, skipLength, useAllLengths, maximumNgramsCount, weighting));

    public static NgramExtractingEstimator ProduceNgrams(this TransformsCatalog.TextTransforms catalog, string outputColumnName, string inputColumnName = null,
        int ngramLength = 2, int skipLength = 0, bool useAllLengths = true, int maximumNgramsCount = NgramExtractingEstimator.DefaultMaximumCount,
        NgramExtractingEstimator.WeightingCriteria weighting = NgramExtractingEstimator.WeightingCriteria.Tf)
        => new(Contracts.CheckRef(catalog, nameof(catalog)).GetEnvironment(), outputColumnName, inputColumnName,
            Options(ngramLength, skipLength, useAllLengths, maximumNgramsCount, weighting));

    private static WordBagEstimator.Options Options(int ngramLength, int skipLength, bool useAllLengths, int maximumNgramsCount, NgramExtractingEstimator.WeightingCriteria weighting)
        => new() { NgramLength = ngramLength, SkipLength = skipLength, UseAllLengths = useAllLengths, MaximumNgramsCount = [maximumNgramsCount], Weighting = weighting };
}
