using System.Diagnostics;
using System.Globalization;
using LanguageModel;
using Maha.Layers.Core;
using Maha.Layers.Training;
using Maha.MLNet.LanguageModel;
using Maha.Samples.Shared;
using Microsoft.ML;
using TorchSharp;

return SampleOptions.Command(
    options => ErrorReport.Run(() => Train(options), IsExpected),
    continuation => ErrorReport.Run(() => Generate(continuation), IsExpected)).Parse(args).Invoke();

static bool IsExpected(Exception e) => e is TorchUnavailableException or TrainingDivergedException;

static int Train(SampleOptions options)
{
    options.Continuation.Options.Validate();
    TorchLibrary.EnsureLoaded();
    torch.set_num_threads(options.Continuation.Threads);
    CommandLineRules.CreateFolderOf(options.Continuation.Model);
    var texts = Texts.Read(options);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"training on {texts.Training.Count} "
        + $"texts, {texts.Training.Sum(text => (long)text.Length) / 1e6:F1} million characters; held out: {texts.HeldOutName}"));
    var mlContext = new MLContext(options.Continuation.Options.Seed);
    var data = mlContext.Data.LoadFromEnumerable(texts.Training.Select(text => new TextRow { Text = text }));
    var watch = Stopwatch.StartNew();
    double speed = 0;
    using var model = mlContext.Transforms.MahaLanguageModel(new MahaLanguageModelEstimator.Options
    {
        InputColumnName = nameof(TextRow.Text),
        Attention = options.Attention,
        MaxSequenceLength = options.Context,
        DModel = options.DModel,
        NumLayers = options.Layers,
        VocabSize = options.VocabSize,
        NumberOfEpochs = options.Epochs,
        MaxTrainingTime = TimeSpan.FromMinutes(options.Minutes),
        TokensPerBatch = 8 * options.Context,
        ValidationFraction = 0.05,
        Progress = new Display(now => speed = now.TokensPerSecond),
    }).Fit(data);
    double seconds = watch.Elapsed.TotalSeconds;
    mlContext.Model.SaveSafely(model, data.Schema, options.Continuation.Model);

    var score = model.Score(texts.HeldOut);
    Console.WriteLine($"prompt: {options.Continuation.Prompt}");
    Write(model, options.Continuation).GetAwaiter().GetResult();
    string path = Path.GetFullPath(options.Continuation.Model);
    Console.WriteLine($"saved as {path}");
    Console.WriteLine($"load it with: MahaLanguageModelTransformer.Find(mlContext.Model.LoadSafely(\"{path}\", out var schema)), or: dotnet run -c Release "
        + $"--project samples/LanguageModel -- generate --model {path} --prompt TEXT");
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"perplexity_per_byte={score.PerplexityPerByte:F4} perplexity_per_word={score.PerplexityPerWord:F2} "
            + $"perplexity_per_token={score.PerplexityPerToken:F2} tokens_per_second={speed:F0} seconds={seconds:F0}"));
    return 0;
}

static int Generate(Continuation continuation)
{
    TorchLibrary.EnsureLoaded();
    torch.set_num_threads(continuation.Threads);
    var loaded = new MLContext().Model.LoadSafely(continuation.Model, out _);
    using var model = MahaLanguageModelTransformer.Find(loaded);
    Write(model, continuation).GetAwaiter().GetResult();
    return 0;
}

static async Task Write(MahaLanguageModelTransformer model, Continuation continuation)
{
    await foreach (string piece in model.GenerateAsync(continuation.Prompt, continuation.Options))
        Console.Write(piece);
    Console.WriteLine();
}

/// <summary>Writes a line every ten seconds, and one for every validation.</summary>
internal sealed class Display(Action<TrainingProgress> each) : IProgress<TrainingProgress>
{
    private TimeSpan _shown = TimeSpan.FromSeconds(-10);

    public void Report(TrainingProgress value)
    {
        each(value);
        if (value.Validation is { } metrics)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"epoch {value.Epoch} of {value.NumberOfEpochs}: validation loss {metrics.Loss:F3} per token, {value.Elapsed:mm\\:ss} elapsed"));
        }
        else if (value.Elapsed - _shown > TimeSpan.FromSeconds(10))
        {
            _shown = value.Elapsed;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"step {value.Step} of {value.TotalSteps}: loss {value.Loss:F3}, {value.TokensPerSecond:F0} tokens/s, {value.TimeLeft:mm\\:ss} left"));
        }
    }
}
