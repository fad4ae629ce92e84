using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms.Text;

public sealed class WordBagEstimator : IEstimator<ITransformer>
{
    public class Options
    {
        public int NgramLength;
        public int SkipLength;
        public bool UseAllLengths;
        public int[] MaximumNgramsCount;
        public NgramExtractingEstimator.WeightingCriteria Weighting;

        public Options()
        {
            NgramLength = 2;
            UseAllLengths = true;
            MaximumNgramsCount = [NgramExtractingEstimator.DefaultMaximumCount];
            Weighting = NgramExtractingEstimator.WeightingCriteria.Tf;
        }
    }

    private readonly TextFeaturizingEstimator _words;

    internal WordBagEstimator(IHostEnvironment env, string outputColumnName, string inputColumnName, Options options)
    {
        _words = new TextFeaturizingEstimator(env, outputColumnName, [inputColumnName ?? outputColumnName], new TextFeaturizingEstimator.Options
        {
            CaseMode = TextNormalizingEstimator.CaseMode.None,
            KeepDiacritics = true,
            Norm = TextFeaturizingEstimator.NormFunction.None,
            WordFeatureExtractor = options,
            CharFeatureExtractor = null,
        });
    }

    public ITransformer Fit(IDataView input) => _words.Fit(input);

    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _words.GetOutputSchema(inputSchema);
}
