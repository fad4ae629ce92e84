using Maha.Layers.Attention;
using Maha.MLNet;
using Maha.MLNet.AutoML;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.AutoML;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace AutoML;

/// <summary>The candidates of the search: a classifier for every kind of attention, one from pretrained weights, and a bag of words.</summary>
internal static class Candidates
{
    // A trial may take an eighth of the time that is left, so the models of the search are those that learn in such a time.
    private const int Share = 8;

    // What is searched of the candidate with pretrained weights. The blocks over the document are Hsa's.
    private static readonly string[] s_pretrained = ["Pretrained", "DocumentLayers", "PretrainedLearningRate", "MaxSequenceLength", "Dropout"];

    public static SweepablePipeline Pipeline(MLContext mlContext, SampleOptions options)
    {
        // One estimator, so that the trainer's many passes read cached features: without the cache each pass featurizes the documents again.
        var words = mlContext.Auto().CreateSweepableEstimator(
            (context, searched) => context.Transforms.Text.FeaturizeText("Features", "Text").AppendCacheCheckpoint(context)
                .Append(context.MulticlassClassification.Trainers.SdcaMaximumEntropy(l2Regularization: searched.L2)), new SearchSpace<LinearOptions>());

        // Each candidate is tried once, in this order: the cheapest first, since a short experiment may end before the others. The bag of words has no time
        // limit. Alternatives of different kinds may follow the first sweepable estimator of a pipeline only.
        return mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(new SweepableEstimator((context, _) => context.Transforms.SelectColumns("Label", "Text"), new SearchSpace()))
            .Append(FromScratch(AttentionKind.Hsa), words, Pretrained(), FromScratch(AttentionKind.Window), FromScratch(AttentionKind.Maha),
                FromScratch(AttentionKind.Full))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("Topic", "PredictedLabel"));

        SweepableEstimator FromScratch(AttentionKind attention)
        {
            var given = new MahaTextClassificationTrainer.Options { TokensPerBatch = 4096 };
            var space = Space(given);
            space["Attention"] = new ChoiceOption(attention);
            foreach (string unused in Unused(attention))
                space.Remove(unused);
            return mlContext.Auto().MahaTextClassification(given, space);
        }

        // A candidate of its own, so that it gets a trial even in a short experiment. Where one candidate has both, the search also chooses Pretrained.
        SweepableEstimator Pretrained()
        {
            var given = new MahaTextClassificationTrainer.Options { PretrainedModel = MahaPretrained.MiniLM };
            var space = Space(given);
            foreach (string member in space.Keys.Except(s_pretrained).ToList())
                space.Remove(member);
            space["Pretrained"] = new ChoiceOption(true);
            return mlContext.Auto().MahaTextClassification(given, space);
        }

        SearchSpace<MahaSearchOptions> Space(MahaTextClassificationTrainer.Options given)
        {
            var space = MahaSearchOptions.Space(TimeSpan.FromSeconds((double)options.Seconds / Share), given.PretrainedModel);
            space["MaxSequenceLength"] = new ChoiceOption([.. Lengths(options.MaxTokens).Cast<object>()]);
            return space;
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
