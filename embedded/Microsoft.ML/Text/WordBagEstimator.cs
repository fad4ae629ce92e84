namespace Microsoft.ML.Transforms.Text;

public sealed class WordBagEstimator
{
    public class Options
    {
        public int NgramLength = 2;
        public int SkipLength = 0;
        public bool UseAllLengths = true;
        public int[] MaximumNgramsCount = [10000000];
        public NgramExtractingEstimator.WeightingCriteria Weighting = NgramExtractingEstimator.WeightingCriteria.Tf;

        public Options()
        {
        }
    }
}

public sealed class NgramExtractingEstimator
{
    public enum WeightingCriteria
    {
        Tf = 0,
        Idf = 1,
        TfIdf = 2,
    }
}

public sealed class TextNormalizingEstimator
{
    public enum CaseMode
    {
        Lower = 0,
        Upper = 1,
        None = 2,
    }
}
