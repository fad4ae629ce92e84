using System.Diagnostics;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Distributed;

/// <summary>Trainings of <c>scale</c>: random token ids, no dropout, four batches per step, bfloat16 with float32 weights.</summary>
internal static class ScaleTraining
{
    private const string LanguageModel = "language-model";
    private const string Reader = "reader";
    private const int BatchesPerStep = 4;

    // As the text classifier chooses them on a GPU with 80 GB. Batches of the reader with 8,192 and with 32,768 tokens take as long: there the processor, which
    // starts the operators, is the limit.
    private const int TokensPerReaderBatch = GpuBatch.MostTokens;
    private const int TokensPerModelBatch = 32_768;
    private const int WarmUps = 10;
    private const int NumClasses = 8;

    // Above the special tokens of both vocabularies.
    private const int FirstTokenId = 2000;
    private const int VocabSize = 8192;

    public static IReadOnlyList<string> Names { get; } = [LanguageModel, Reader];

    /// <summary>Trains one of <see cref="Names"/>, together with the processes that were started with this one.</summary>
    public static ScaleResult Run(string name, int steps, Device device) =>
        name == LanguageModel ? TrainLanguageModel(steps, device) : TrainReader(steps, device);

    private static ScaleResult TrainLanguageModel(int steps, Device device)
    {
        const int Length = 8192;
        MahaLanguageModel model;
        using (new RandomStateScope(1))
        {
            model = new MahaLanguageModel(new MahaTransformerOptions
            {
                VocabSize = VocabSize,
                MaxSequenceLength = Length,
                DModel = 512,
                NumHeads = 8,
                NumLayers = 8,
                Dropout = 0,
                Attention = new HsaCausalOptions(),
            });
        }
        using var owner = model;
        model.to(device);
        var random = new Random(1);
        using var documents = TokenizedDataset.FromTokenIds(
            Enumerable.Range(0, (WarmUps + steps) * BatchesPerStep * TokensPerModelBatch / Length).Select(_ => Ids(random, Length)));
        return Train(new LanguageModelingTask(model), documents, TokensPerModelBatch, device);
    }

    private static ScaleResult TrainReader(int steps, Device device)
    {
        const int WindowLength = 256;
        using var start = PretrainedStart.Open(MahaPretrained.MiniLM);
        var encoder = start.Encoder!;
        var shape = new WindowedEncoderOptions
        {
            WindowLength = WindowLength,
            MaxDocumentTokens = WindowLength,
            ClsTokenId = encoder.Tokenizer.ClsTokenId,
            SepTokenId = encoder.Tokenizer.SepTokenId,
        };
        WindowedClassifier classifier;
        using (new RandomStateScope(1))
            classifier = new WindowedClassifier(encoder.Encoder.Options with { Pooling = PoolingKind.MeanMax, Dropout = 0 }, shape, NumClasses);
        using var owner = classifier;
        ModuleWeights.Load(classifier.Reader.Encoder, encoder.Encoder.state_dict());
        classifier.to(device);
        var random = new Random(1);
        int documents = (WarmUps + steps) * BatchesPerStep * TokensPerReaderBatch / WindowLength;
        using var ids = TokenizedDataset.FromTokenIds(
            Enumerable.Range(0, documents).Select(i => (Ids(random, WindowLength - TokenWindows.NumSpecialTokens), i % NumClasses)));
        var windows = new WindowedDocuments(ids, new TokenWindows(encoder.Tokenizer, WindowLength), int.MaxValue, fixedSeed: null);
        return Train(new WindowedClassificationTask(classifier, new CrossEntropyLoss(NumClasses), states: null), windows, TokensPerReaderBatch, device);
    }

    private static int[] Ids(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(FirstTokenId, VocabSize))];

    private static ScaleResult Train(ITrainingTask task, ITokenizedDocuments documents, int tokensPerBatch, Device device)
    {
        var group = ProcessGroups.Join(device);
        long firstStep = 0, lastStep = 0, bytes = 0;
        var (first, last) = (0L, 0L);
        double loss = double.NaN;
        var progress = new AtOnce(report =>
        {
            (last, lastStep, loss) = (Stopwatch.GetTimestamp(), report.Step, report.Loss);
            if (report.Step <= WarmUps)
                (first, firstStep, bytes) = (last, lastStep, group?.SummedBytes ?? 0);
        });
        var options = new TrainingOptions
        {
            NumberOfEpochs = 1,
            TokensPerBatch = tokensPerBatch,
            GradientAccumulation = BatchesPerStep,
            LearningRate = 1e-4,
            ValidationFraction = 0,
            Device = device,
            ComputeType = ScalarType.BFloat16,
        };
        new Trainer(options) { Group = group }.Train(task, documents, progress: progress);
        double milliseconds = Stopwatch.GetElapsedTime(first, last).TotalMilliseconds / (lastStep - firstStep);
        double megabytes = ((group?.SummedBytes ?? 0) - bytes) / 1e6 / (lastStep - firstStep);
        return new ScaleResult((double)tokensPerBatch * BatchesPerStep / milliseconds * 1e3, milliseconds, megabytes, loss);
    }

    // Progress<T> would report on another thread.
    private sealed class AtOnce(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
