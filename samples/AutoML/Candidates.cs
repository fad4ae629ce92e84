using Maha.Layers.Attention;
using Maha.MLNet.AutoML;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace AutoML;

/// <summary>The candidates of the search: a classifier for every kind of attention, and a bag of words.</summary>
internal static class Candidates
{
    // A trial may take an eighth of the budget, so that every candidate gets its turn.
    private const int Share = 8;

    public static SweepablePipeline Pipeline(MLContext mlContext, SampleOptions options)
    {
        // One estimator, so that the trainer's many passes read cached features: without the cache each pass featurizes the documents again.
        var words = mlContext.Auto().CreateSweepableEstimator(
            (context, searched) => context.Transforms.Text.FeaturizeText("Features", "Text").AppendCacheCheckpoint(context)
                .Append(context.MulticlassClassification.Trainers.SdcaMaximumEntropy(l2Regularization: searched.L2)), new SearchSpace<LinearOptions>());

        // Alternatives of different kinds may follow the first sweepable estimator of a pipeline only.
        return mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(new SweepableEstimator((context, _) => context.Transforms.SelectColumns("Label", "Text"), new SearchSpace()))
            .Append(words, Maha(AttentionKind.Maha), Maha(AttentionKind.Hsa), Maha(AttentionKind.Window), Maha(AttentionKind.Full))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("Topic", "PredictedLabel"));

        SweepableEstimator Maha(AttentionKind attention)
        {
            var given = new MahaTextClassificationTrainer.Options
            {
                MaxTrainingTime = TimeSpan.FromSeconds((double)options.Seconds / Share),
                TokensPerBatch = 4096,
            };
            var space = MahaSearchOptions.Space(given.MaxTrainingTime);
            space["Attention"] = new ChoiceOption(attention);
            space["MaxSequenceLength"] = new ChoiceOption([.. Lengths(options.MaxTokens).Cast<object>()]);
            foreach (string unused in Unused(attention))
                space.Remove(unused);
            return mlContext.Auto().MahaTextClassification(given, space);
        }
    }

    // A quarter and a half of the longest, and the longest: tuners begin with the first, which is the cheapest.
    private static IEnumerable<int> Lengths(int longest) =>
        new[] { longest / 4, longest / 2, longest }.Where(length => length >= 32 || length == longest).Distinct();

    // A dimension that changes nothing only makes the search slower.
    private static string[] Unused(AttentionKind attention) => attention switch
    {
        AttentionKind.Maha => ["Hierarchy"],
        AttentionKind.Hsa => ["Aggregation", "NumScales", "Window"],
        AttentionKind.Window => ["Aggregation", "NumScales", "Hierarchy"],
        _ => ["Aggregation", "NumScales", "Hierarchy", "Window"],
    };

    private sealed class LinearOptions
    {
        [Microsoft.ML.SearchSpace.Range(1e-7f, 1e-3f, 1e-5f, logBase: true)]
        public float L2 { get; set; } = 1e-5f;
    }
}
