using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Data;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;

namespace Maha.Benchmarks.LanguageModel;

/// <summary>The results of one training.</summary>
internal sealed record PerplexityRow(
    string Variant, int Context, int FeedForwardDim, long Parameters, long Tokens, double Seconds,
    double TokensPerSecond, double? PeakMegabytes, int BestEpoch, int Epochs,
    double PerToken, double PerByte, double PerWord);

/// <summary>Trains and tests one model.</summary>
internal sealed class PerplexityRun(PerplexitySettings settings, TextFolders texts, ByteLevelBpeTokenizer tokenizer)
{
    // The share of the training texts that chooses the best epoch: many epochs of little text overfit.
    private const double Validation = 0.05;

    public PerplexityRow Measure(string variant, int context)
    {
        var options = ComparedModels.CreateOptions(variant, context, tokenizer.VocabSize, settings);
        using var dataset = TokenizedDataset.FromTexts(texts.Training, tokenizer);
        var contexts = new PackedContexts(dataset, context, ByteLevelBpeTokenizer.EosTokenId);
        long budget = settings.Seconds is int seconds ? (long)(Speed(options, contexts) * seconds) : settings.Tokens;

        // Whole epochs, each of as many contexts as the budget allows.
        int available = Math.Max(1, (int)(contexts.Count * (1 - Validation)));
        double wanted = Math.Max(1, (double)budget / context);
        int epochs = (int)Math.Max(1, Math.Ceiling(wanted / available));
        int each = (int)Math.Clamp(Math.Round(wanted / epochs), 1, available);
        int validating = Math.Min(contexts.Count - available, Math.Max(1, contexts.Count / 20));
        var training = new FirstDocuments(contexts, each);
        var validation = validating > 0 ? new LastDocuments(contexts, validating) : null;

        using var model = ComparedModels.Build(options, settings.Seed);
        PeakMemory.Reset();
        var watch = Stopwatch.StartNew();
        var task = Task(model, settings.ContextGrowth);
        var trainer = new Trainer(Options(epochs));
        double latest = 0;
        var result = trainer.Train(task, training, validation, new Report(progress =>
        {
            latest = progress.TokensPerSecond;
            if (progress.Validation is { } metrics)
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"# {variant} {context}: epoch {progress.Epoch} "
                    + $"of {progress.NumberOfEpochs}, loss {progress.Loss:F3}, validation {metrics.Loss:F3}, {progress.TokensPerSecond:F0} "
                    + $"tokens/s, {progress.Elapsed:hh\\:mm\\:ss}, {progress.TimeLeft:hh\\:mm\\:ss} left"));
            }
        }));
        double elapsed = watch.Elapsed.TotalSeconds;
        double? peak = settings.Cuda ? null : PeakMemory.Read();

        using var held = TokenizedDataset.FromTexts(texts.HeldOut, tokenizer);
        var judged = trainer.Evaluate(task, new PackedContexts(held, context, ByteLevelBpeTokenizer.EosTokenId));
        double total = judged.Loss * judged.Count;
        long bytes = texts.HeldOut.Sum(text => (long)System.Text.Encoding.UTF8.GetByteCount(text)),
            words = texts.HeldOut.Sum(text => TextScore.CountWords(text));
        return new PerplexityRow(
            variant, context, options.FeedForwardDim, ComparedModels.Parameters(model),
            (long)each * context * epochs, elapsed, latest, peak, result.BestEpoch ?? epochs, epochs,
            Math.Exp(judged.Loss), Math.Exp(total / bytes), Math.Exp(total / words));
    }

    // Tokens per second of a training of the same shape. Whole contexts come first: they tell how many contexts a short training with growing contexts needs.
    private double Speed(MahaTransformerOptions options, PackedContexts contexts)
    {
        double seconds = Math.Min(20, settings.Seconds!.Value * 0.05);
        double whole = Speed(options, contexts, 0, seconds);
        int length = contexts.LengthOf(0), enough = Math.Max(8 * Math.Max(1, settings.TokensPerBatch / length), (int)(whole * seconds / length));
        return settings.ContextGrowth == 0 ? whole : Speed(options, new FirstDocuments(contexts, enough), settings.ContextGrowth, double.PositiveInfinity);
    }

    private double Speed(MahaTransformerOptions options, ITokenizedDocuments contexts, double growth, double atMost)
    {
        using var model = ComparedModels.Build(options, settings.Seed);
        using var enough = new CancellationTokenSource();
        int steps = 0;
        double speed = 0, skippedSeconds = 0, skippedTokens = 0;
        new Trainer(Options(1) with { CancellationBehavior = CancellationBehavior.KeepBest }).Train(Task(model, growth), contexts, null, new Report(progress =>
        {
            // The first steps compile code and allocate memory, so they are not counted.
            double seconds = progress.Elapsed.TotalSeconds, tokens = progress.TokensPerSecond * seconds;
            if (++steps == 3)
                (skippedSeconds, skippedTokens) = (seconds, tokens);
            speed = steps > 3 ? (tokens - skippedTokens) / (seconds - skippedSeconds) : progress.TokensPerSecond;
            if (steps >= 8 && seconds - skippedSeconds > atMost)
                enough.Cancel();
        }), enough.Token);
        return speed;
    }

    private LanguageModelingTask Task(MahaLanguageModel model, double growth) => new(model, growth, settings.ShortestContext);

    private TrainingOptions Options(int epochs) => new()
    {
        NumberOfEpochs = epochs,
        LearningRate = settings.LearningRate,
        TokensPerBatch = settings.TokensPerBatch,
        ValidationFraction = 0,
        EarlyStoppingPatience = null,
        Seed = settings.Seed,
        WarmupFraction = 0.05,
        Device = settings.Device,
        ComputeType = settings.ComputeType,
    };

    private sealed class LastDocuments(ITokenizedDocuments documents, int count) : ITokenizedDocuments
    {
        public int Count => count;

        public bool HasLabels => documents.HasLabels;

        public int LengthOf(int index) => documents.LengthOf(documents.Count - count + index);

        public int LabelOf(int index) => documents.LabelOf(documents.Count - count + index);

        public void CopyTokens(int index, Span<int> destination) => documents.CopyTokens(documents.Count - count + index, destination);
    }

    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
