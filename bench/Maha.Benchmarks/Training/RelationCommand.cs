using System.Globalization;
using Maha.Benchmarks.Blocks;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>relation</c>: whether an attention learns, from random weights, which tokens belong together. A document begins with a question for one of four items; each
/// item stands somewhere, followed by its place; the rest is filler. The class is the place of the item that the question asks for, so that counts of tokens say
/// nothing. A line per variant and seed: the test accuracy, and that of the validation documents by epoch.
/// </summary>
internal static class RelationCommand
{
    public const string Arguments = "[--variants V...] [--seeds S...] [--longest N] [--documents N] [--epochs N] [--window W] [--threads T]";

    private const int NumItems = 4;
    private const int ShortestDocument = 12;
    private const int FirstQuestion = 5;
    private const int FirstItem = 10;
    private const int FirstPlace = 20;
    private const int FirstFiller = 30;
    private const int VocabSize = 60;
    private const int NumTestDocuments = 500;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var variants = reader.Texts("--variants", ["full", "hsa", "window", "maha", "maha-mean", "maha-residual"]);
        var seeds = reader.Integers("--seeds", [1, 2]);
        int longest = reader.Integer("--longest", 16), documents = reader.Integer("--documents", 6000), epochs = reader.Integer("--epochs", 24);
        int window = reader.Integer("--window", 16), threads = reader.Integer("--threads", 1);
        reader.RefuseLeft();
        if (longest < ShortestDocument)
            throw new UsageException($"--longest must be at least {ShortestDocument}, but is {longest}. Use 16, or more for distant parts.");
        var shape = new MahaTransformerOptions
        {
            VocabSize = VocabSize,
            MaxSequenceLength = longest,
            DModel = 64,
            NumHeads = 4,
            NumLayers = 2,
            Positions = PositionKind.Rotary,
            Pooling = PoolingKind.MeanMax,
            Dropout = 0.1,
        };
        var models = variants.Select(name => (Name: name, Options: Sized((MahaTransformerOptions)BlockVariants.Options(name, shape), window))).ToList();
        foreach (var (_, options) in models)
            options.Validate();
        set_num_threads(threads);
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# {documents} documents of {ShortestDocument} to {longest} tokens, a twentieth to validate; {NumItems} classes; windows of {window} tokens");
        foreach (int seed in seeds)
        {
            foreach (var (name, options) in models)
                Console.WriteLine($"{name,-14} seed {seed}  {Train(options, seed, documents, longest, epochs)}");
        }
        return ExitCode.Success;
    }

    private static MahaTransformerOptions Sized(MahaTransformerOptions options, int window) => options with
    {
        Attention = options.Attention switch
        {
            MahaOptions maha => maha with { Window = window },
            WindowOptions windowed => windowed with { Window = window },
            var other => other,
        },
    };

    private static string Train(MahaTransformerOptions options, int seed, int documents, int longest, int epochs)
    {
        var random = new Random(seed);
        using var training = TokenizedDataset.FromTokenIds(Enumerable.Range(0, documents).Select(_ => Document(random, longest)));
        using var testing = TokenizedDataset.FromTokenIds(Enumerable.Range(0, NumTestDocuments).Select(_ => Document(random, longest)));
        using var state = new RandomStateScope(seed);
        using var classifier = new MahaSequenceClassifier(options, NumItems);
        var trainer = new Trainer(new TrainingOptions
        {
            NumberOfEpochs = epochs,
            TokensPerBatch = 1024,
            LearningRate = 1e-3,
            ValidationFraction = 0.05,
            EarlyStoppingMetric = ValidationMetric.Accuracy,
            EarlyStoppingPatience = null,
            MaxRestarts = 0,
            Seed = seed,
        });
        var task = new SequenceClassificationTask(classifier, NumItems);
        var result = trainer.Train(task, training);
        var metrics = trainer.Evaluate(task, testing);
        var everySecond = result.Epochs.Where((_, i) => i % 2 == 1).Select(epoch => epoch.Validation!.Accuracy!.Value);
        string byEpoch = string.Join(' ', everySecond.Select(accuracy => accuracy.ToString("F2", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"test {metrics.Accuracy:F3}, every second epoch {byEpoch}, {result.Duration.TotalSeconds:F0} s");
    }

    private static (int[] Ids, int Label) Document(Random random, int longest)
    {
        int length = random.Next(ShortestDocument, longest + 1), asked = random.Next(NumItems);
        int[] ids = [.. Enumerable.Range(0, length).Select(_ => random.Next(FirstFiller, VocabSize))];
        ids[0] = FirstQuestion + asked;
        int[] pairs = [.. Enumerable.Range(0, (length - 1) / 2)], places = [.. Enumerable.Range(0, NumItems)];
        random.Shuffle(pairs);
        random.Shuffle(places);
        for (int item = 0; item < NumItems; item++)
            (ids[1 + (2 * pairs[item])], ids[2 + (2 * pairs[item])]) = (FirstItem + item, FirstPlace + places[item]);
        return (ids, places[asked]);
    }
}
