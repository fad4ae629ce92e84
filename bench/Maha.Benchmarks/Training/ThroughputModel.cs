using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>A model of <c>throughput</c> with the batches that it is trained on.</summary>
internal sealed record ThroughputModel
{
    private const int NumClasses = 8;

    // A language model fills contexts; these are the parameters of the lengths of the manual pages of the task "section", in tokens.
    private const double MeanOfLogLength = 6.85;
    private const double DeviationOfLogLength = 1.13;
    private const int LongestDocument = 16_384;

    // The reader has the shape of MiniLM, with random weights.
    private const int WindowLength = 256;
    private const int NumReaderTokens = 30_522;

    private static readonly Lazy<WordPieceTokenizer> s_tokenizer = new(() => MadeWordPieces.Create(NumReaderTokens));

    /// <summary>
    /// The models by name: the classifier of the estimators with its defaults, on long and on short documents, the pretrained reader, and language models.
    /// </summary>
    public static IReadOnlyList<ThroughputModel> All { get; } =
    [
        Classifier("classifier", new HsaOptions(), isLong: true),
        Classifier("classifier-short", new HsaOptions(), isLong: false),
        Classifier("classifier-maha", new MahaOptions(), isLong: true),
        Reader("reader", GpuBatch.MostTokens),
        Reader("reader-short", 32_768),
        LanguageModel("lm-hsa-1024", new HsaCausalOptions { Overlap = true }, 1024),
        LanguageModel("lm-hsa-8192", new HsaCausalOptions { Overlap = true }, 8192),
        LanguageModel("lm-full-1024", new FullOptions(), 1024),
        LanguageModel("lm-full-8192", new FullOptions(), 8192),
    ];

    public required string Name { get; init; }

    public required MahaTransformerOptions Shape { get; init; }

    /// <summary>The length of each document; null for those of manual pages.</summary>
    public required (int Least, int Most)? Lengths { get; init; }

    public required bool IsLanguageModel { get; init; }

    /// <summary>Whether the model reads windows of documents.</summary>
    public bool IsReader { get; init; }

    public required TrainingOptions Options { get; init; }

    /// <summary>The number of steps that are measured.</summary>
    public required int Steps { get; init; }

    /// <summary>Creates documents for at least a number of steps.</summary>
    public TokenizedDataset CreateDocuments(int steps)
    {
        var random = new Random(1);
        double tokens = 1.3 * steps * (double)Options.TokensPerBatch;
        var documents = new List<(int[], int)>();
        for (double made = 0; made < tokens; made += documents[^1].Item1.Length)
        {
            int length = Lengths is var (least, most) ? random.Next(least, most + 1)
                : (int)Math.Clamp(Math.Exp(MeanOfLogLength + (DeviationOfLogLength * Normal(random))), 16, LongestDocument);
            int[] ids = new int[length];
            for (int t = 0; t < length; t++)
                ids[t] = random.Next(300, Shape.VocabSize);
            documents.Add((ids, documents.Count % NumClasses));
        }
        return TokenizedDataset.FromTokenIds(documents);
    }

    /// <summary>Returns documents as the model reads them.</summary>
    public ITokenizedDocuments Read(TokenizedDataset documents) =>
        IsReader ? new WindowedDocuments(documents, new TokenWindows(s_tokenizer.Value, WindowLength), int.MaxValue, fixedSeed: null) : documents;

    /// <summary>Creates the task of a training from random weights.</summary>
    public OwnedTask CreateTask()
    {
        using var random = new RandomStateScope(1);
        if (IsLanguageModel)
        {
            var model = new MahaLanguageModel(Shape);
            return new OwnedTask(new LanguageModelingTask(model), model);
        }
        if (IsReader)
        {
            var tokenizer = s_tokenizer.Value;
            var windows = new WindowedEncoderOptions
            {
                WindowLength = WindowLength,
                MaxDocumentTokens = WindowLength,
                ClsTokenId = tokenizer.ClsTokenId,
                SepTokenId = tokenizer.SepTokenId,
            };
            var reader = new WindowedClassifier(Shape, windows, NumClasses);
            return new OwnedTask(new WindowedClassificationTask(reader, new CrossEntropyLoss(NumClasses), states: null), reader);
        }
        var classifier = new MahaSequenceClassifier(Shape, NumClasses);
        return new OwnedTask(new SequenceClassificationTask(classifier, NumClasses), classifier);
    }

    private static ThroughputModel Classifier(string name, AttentionOptions attention, bool isLong) => new()
    {
        Name = name,
        IsLanguageModel = false,
        Steps = isLong ? 60 : 200,
        Lengths = isLong ? null : (64, 192),
        Shape = new MahaTransformerOptions
        {
            VocabSize = 8192,
            MaxSequenceLength = LongestDocument,
            DModel = 128,
            NumHeads = 4,
            NumLayers = 2,
            Attention = attention,
            Positions = PositionKind.Rotary,
            Pooling = PoolingKind.MeanMax,
            Dropout = 0.1,
        },
        // As TransformerSchedule chooses them on a GPU.
        Options = new TrainingOptions
        {
            NumberOfEpochs = 1,
            TokensPerBatch = isLong ? 65_536 : 8192,
            MinDocumentsPerStep = isLong ? 32 : 1,
            LearningRate = 5e-4,
            ValidationFraction = 0,
        },
    };

    private static ThroughputModel Reader(string name, int tokensPerBatch) => new()
    {
        Name = name,
        IsLanguageModel = false,
        IsReader = true,
        Steps = 60,
        Lengths = (WindowLength - TokenWindows.NumSpecialTokens, WindowLength - TokenWindows.NumSpecialTokens),
        Shape = new MahaTransformerOptions
        {
            VocabSize = NumReaderTokens,
            MaxSequenceLength = WindowLength,
            DModel = 384,
            NumHeads = 12,
            NumLayers = 6,
            FeedForwardDim = 1536,
            Attention = new FullOptions(),
            Positions = PositionKind.Learned,
            EmbeddingNorm = true,
            FinalNorm = false,
            Pooling = PoolingKind.MeanMax,
            Dropout = 0.1,
        },
        Options = new TrainingOptions { NumberOfEpochs = 1, TokensPerBatch = tokensPerBatch, LearningRate = 1e-4, ValidationFraction = 0 },
    };

    private static ThroughputModel LanguageModel(string name, AttentionOptions attention, int context) => new()
    {
        Name = name,
        IsLanguageModel = true,
        Steps = 30,
        Lengths = (context, context),
        Shape = new MahaTransformerOptions
        {
            VocabSize = 8192,
            MaxSequenceLength = context,
            DModel = 512,
            NumHeads = 8,
            NumLayers = 8,
            Attention = attention,
            IsCausal = true,
            Positions = PositionKind.Rotary,
            EmbeddingNorm = true,
            Dropout = 0.1,
        },
        Options = new TrainingOptions { NumberOfEpochs = 1, TokensPerBatch = 32_768, LearningRate = 2.5e-4, ValidationFraction = 0 },
    };

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>A task that owns its module.</summary>
    /// <param name="Task">The task.</param>
    /// <param name="Module">The module.</param>
    internal sealed record OwnedTask(ITrainingTask Task, nn.Module Module) : IDisposable
    {
        public void Dispose() => Module.Dispose();
    }
}
