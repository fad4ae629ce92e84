using System.Security.Cryptography;
using System.Text;
using Maha.Benchmarks.Training;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using Maha.MLNet.Fitting;
using TorchSharp;

namespace Maha.Benchmarks.Swap;

/// <summary>
/// <c>swap --pretrained</c>: the accuracy that a fine-tuned pretrained encoder loses when some or all of its layers compute hierarchical attention from the
/// same weights, and what it reads of documents that are longer than its positions.
/// </summary>
/// <remarks>
/// A classifier that reads windows with the encoder is trained (once per seed: its weights are kept in a folder). Its layers are ranked on training documents,
/// and it is tested with 0 to L layers swapped, without training and after one epoch at half the rate. Documents longer than a window are tested in windows
/// and as a whole, with both extensions of the positions. Results are appended to a file; a result in the file is not measured again.
/// </remarks>
internal static class PretrainedSwapCommand
{
    // That of MahaTextClassification.
    private const int ChunkLength = 16;

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        var settings = PretrainedSwapSettings.Read(options);
        var source = PretrainedChoice.Parse(settings.Pretrained)
            ?? throw new UsageException("--pretrained takes minilm or the path of weights here. Leave it out for a classifier from random weights.");
        using var start = PretrainedStart.Open(source);
        var encoder = start.Encoder
            ?? throw new UsageException($"--pretrained takes an encoder in BERT layout, but '{settings.Pretrained}' is another model.");
        int positions = encoder.Encoder.Options.MaxSequenceLength;
        if (settings.WindowLength > positions || settings.LongTokens < positions)
        {
            throw new UsageException($"--window must be at most the encoder's {positions} positions and --long-tokens at least, but they are "
                + $"{settings.WindowLength} and {settings.LongTokens}.");
        }
        using var task = PretrainedSwapTask.Load(options, settings, encoder);
        var results = new ResultsFile(settings.Out);
        string setting = settings.Describe(task.Name);
        EnvironmentHeader.Print(Console.Out);
        foreach (int seed in settings.Seeds)
        {
            var done = results.Rows(setting).Where(row => (int)row["seed"]! == seed).Select(row => (int)row["swapped"]!).ToHashSet();
            // Without a swap there is nothing to compare with.
            int[] wanted = settings.Swapped.Count == 0 ? [.. Enumerable.Range(0, encoder.Encoder.Options.NumLayers + 1)] : [0, .. settings.Swapped];
            if (wanted.All(done.Contains))
                continue;
            using var classifier = Trained(encoder, settings, task, seed);
            foreach (var row in new PretrainedSwapStudy(classifier, task, settings, seed).Rows(number => done.Contains(number) || !wanted.Contains(number)))
            {
                row["setting"] = setting;
                row["seed"] = seed;
                results.Append(row);
                Console.Error.WriteLine(row.ToJsonString());
            }
        }
        Console.WriteLine($"# {setting}");
        Console.WriteLine($"# {task.Train.Count} documents to train, {task.Test.Count} to test, {task.LongRows.Count} of them longer than a window, "
            + $"{task.Labels.Length} classes");
        PretrainedSwapTable.Print(Console.Out, results.Rows(setting));
        return ExitCode.Success;
    }

    private static WindowedClassifier Trained(PretrainedEncoder encoder, PretrainedSwapSettings settings, PretrainedSwapTask task, int seed)
    {
        var windows = new WindowedEncoderOptions
        {
            WindowLength = settings.WindowLength,
            ChunkLength = Math.Min(ChunkLength, settings.WindowLength),
            MaxDocumentTokens = settings.LongTokens,
            ClsTokenId = encoder.Tokenizer.ClsTokenId,
            SepTokenId = encoder.Tokenizer.SepTokenId,
        };
        // The pooling and the dropout of MahaTextClassification.
        var model = encoder.Encoder.Options with { Pooling = PoolingKind.MeanMax, Dropout = 0.1 };
        WindowedClassifier classifier;
        using (new RandomStateScope(seed))
            classifier = new WindowedClassifier(model, windows, task.Labels.Length);
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(settings.DescribeTraining(task.Name))).AsSpan(0, 6));
        string file = Path.Combine(settings.Models, $"{name}-{seed}.safetensors");
        if (File.Exists(file))
        {
            ModuleWeights.Load(classifier, file);
            classifier.to(settings.Device);
            return classifier;
        }
        ModuleWeights.Load(classifier.Reader.Encoder, ModuleWeights.StateOf(encoder.Encoder));
        var documents = task.Windows(task.Train, settings.WindowLength, settings.WindowsPerDocument);
        new Trainer(settings.Training(seed, BatchPlan.Lengths(documents).Average()))
            .Train(new WindowedClassificationTask(classifier, new CrossEntropyLoss(task.Labels.Length), null), documents, progress: new EpochLines($"full seed {seed}"));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        ModuleWeights.Save(classifier, file);
        return classifier;
    }
}
