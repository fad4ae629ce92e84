using System.Globalization;
using System.Text.Json.Nodes;
using Maha.Benchmarks.Training;
using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Swap;

/// <summary>The swaps of one trained classifier.</summary>
/// <remarks>
/// The control: the same layers with attention that is uniform over the document, which their own weights with queries of 0 compute. If it loses as little as
/// the swap, the layers' attention did not matter, and the swap proves nothing.
/// </remarks>
internal sealed class SwapStudy(MahaSequenceClassifier classifier, DocumentTask task, TrainingOptions tuning, HsaConversionOptions conversion, int samples)
{
    // Documents of a batch of samples.
    private const int BatchSize = 8;

    /// <summary>Measures one row per number of swapped layers.</summary>
    /// <param name="isDone">Returns true for numbers that have been measured.</param>
    public IEnumerable<JsonObject> Rows(Func<int, bool> isDone)
    {
        using var scope = NewDisposeScope();
        var steps = HsaConversion.SwapInOrder(classifier, Samples(), Reported, conversion);
        foreach (var step in steps.Where(step => !isDone(step.Swapped.Count)))
        {
            double uniform;
            using (var control = Uniform(step.Swapped))
                uniform = Accuracy(control);
            using var tuned = HsaConversion.Swap(classifier, step.Swapped.ToArray(), conversion);
            new Trainer(tuning).Train(new SequenceClassificationTask(tuned, task.Labels.Length), task.Train,
                progress: new EpochLines($"{step.Swapped.Count} swapped, seed {tuning.Seed}"));
            yield return new JsonObject
            {
                ["swapped"] = step.Swapped.Count,
                ["layers"] = string.Join(" ", step.Swapped),
                ["distance"] = step.Distance,
                ["prediction_distance"] = step.PredictionDistance,
                ["accuracy"] = step.Score,
                ["uniform_accuracy"] = uniform,
                ["tuned_accuracy"] = Accuracy(tuned),
                ["attention_flops"] = step.AttentionFlops,
                ["flops_cut"] = step.SwappedReduction,
            };
        }
    }

    // The training of a row is long, so the accuracy without it is printed first.
    private double Reported(MahaSequenceClassifier model)
    {
        double accuracy = Accuracy(model);
        var swapped = Enumerable.Range(0, model.Encoder.Blocks.Count).Where(layer => model.Encoder.Blocks[layer].Mixer is HsaMixer);
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"seed {tuning.Seed}: accuracy {accuracy:F4} without training, swapped layers: {string.Join(" ", swapped)}"));
        return accuracy;
    }

    private MahaSequenceClassifier Uniform(IReadOnlyList<int> layers)
    {
        var model = HsaConversion.Swap(classifier, layers.ToArray(), conversion);
        using var noGradient = no_grad();
        foreach (int layer in layers)
        {
            var queries = model.Encoder.Blocks[layer].Mixer.named_parameters().Where(entry => entry.name.StartsWith("q_proj.", StringComparison.Ordinal));
            foreach (var query in queries)
                query.parameter.zero_();
        }

        return model;
    }

    private double Accuracy(MahaSequenceClassifier model) => new Trainer(tuning)
        .Evaluate(new SequenceClassificationTask(model, task.Labels.Length), task.Test).Accuracy!.Value;

    // Evenly spaced among the training documents; the layers are ranked by what a swap changes on them.
    private List<(Tensor TokenIds, MixingContext Context)> Samples()
    {
        int count = Math.Min(samples, task.Train.Count);
        return [.. Enumerable.Range(0, count).Select(i => (int)((long)i * task.Train.Count / count))
            .OrderBy(task.Train.LengthOf).Chunk(BatchSize).Select(rows =>
        {
            var batch = TokenBatch.Create(task.Train, rows, tuning.Device);
            return (batch.TokenIds, new MixingContext { KeyPaddingMask = batch.KeyPaddingMask });
        })];
    }
}
