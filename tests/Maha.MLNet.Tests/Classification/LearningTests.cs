using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

public class LearningTests
{
    [Fact]
    public void DivergedTraining_ThrowsAsDocumented()
    {
        var mlContext = new MLContext(1);
        var trainer = Toys.BinaryTrainer(mlContext, options => (options.LearningRate, options.WarmupFraction) = (1e30, 0), epochs: 5);
        Assert.Throws<TrainingDivergedException>(() => trainer.Fit(mlContext.Data.LoadFromEnumerable(Toys.Verdicts(20))));
    }

    /// <summary>
    /// Both words are in every document, farther apart than a window and far from its ends, where convolutions read padding:
    /// the class is their order, so a model without attention can only guess.
    /// </summary>
    [Theory]
    [InlineData(AttentionKind.Hsa)]
    [InlineData(AttentionKind.Maha)]
    public void OrderOfDistantWords_IsLearned(AttentionKind attention)
    {
        var mlContext = new MLContext(1);
        var warnings = Warnings.Of(mlContext);
        using var model = Toys.BinaryTrainer(mlContext, options =>
        {
            (options.Attention, options.MaxSequenceLength, options.DModel) = (attention, 96, 32);
            if (attention == AttentionKind.Maha)
                options.Window = 16;
            options.LearningRate = 0.003;
            options.Dropout = 0;
        }, epochs: 40).Fit(mlContext.Data.LoadFromEnumerable(Ordered(400, seed: 1)));
        Assert.Empty(warnings); // no document was cut: a missing word would reveal the order
        double accuracy = Accuracy(mlContext, model, Ordered(200, seed: 2));
        Assert.True(accuracy >= 0.9, $"accuracy {accuracy}, 0.9 needed, guessing gives 0.5");
    }

    /// <summary>The last word determines the class; it is outside the windows of the first tokens.</summary>
    [Fact]
    public void EvidenceAtTheEnd_IsFound_UnlessTheDocumentIsCut()
    {
        var mlContext = new MLContext(1);
        double Reached(Action<MahaBinaryTextClassificationTrainer.Options> change)
        {
            using var model = Toys.BinaryTrainer(mlContext, options =>
            {
                options.TokensPerBatch = 256;
                change(options);
            }, epochs: 12).Fit(mlContext.Data.LoadFromEnumerable(LastWordTells(160, seed: 1)));
            return Accuracy(mlContext, model, LastWordTells(100, seed: 2));
        }
        Assert.InRange(Reached(_ => { }), 0.95, 1);
        Assert.InRange(Reached(options => options.MaxSequenceLength = 16), 0, 0.65);
        Assert.InRange(Reached(options => (options.MaxSequenceLength, options.OverlongDocuments) = (16, OverlongDocuments.KeepEnd)), 0.95, 1);
    }

    private static double Accuracy(MLContext mlContext, ITransformer model, IEnumerable<Verdict> documents)
        => mlContext.BinaryClassification.Evaluate(model.Transform(mlContext.Data.LoadFromEnumerable(documents))).Accuracy;

    private static IEnumerable<Verdict> Ordered(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            bool label = i % 2 == 1;
            var (first, second) = label ? ("zebra", "quartz") : ("quartz", "zebra");
            string Filler(int least) => Toys.Filler(random, least + random.Next(6));
            yield return new Verdict { Label = label, Text = $"{Filler(16)} {first} {Filler(18)} {second} {Filler(16)}" };
        }
    }

    private static IEnumerable<Verdict> LastWordTells(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
            yield return new Verdict { Label = i % 2 == 1, Text = $"{Toys.Filler(random, 26)} {(i % 2 == 1 ? "zebra" : "quartz")}" };
    }
}
