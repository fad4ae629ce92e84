using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Training;
using Maha.Layers.Trees;


namespace Maha.MLNet;

/// <summary>What Maha's estimators of texts share: tokenizer, model and training.</summary>
public abstract class MahaTextModelOptions
{
    private protected MahaTextModelOptions()
    {
    }

    /// <summary>V, the size of the vocabulary that is learned from the training texts. A small corpus may give fewer.</summary>
    /// <value>8,192. At least 512.</value>
    public int VocabSize { get; set; } = 8192;

    /// <summary>The most tokens of a document that are read. See <see cref="OverlongDocuments"/> for what happens beyond.</summary>
    /// <value>16,384. From 1 to 16,777,216.</value>
    public int MaxSequenceLength { get; set; } = ModelDefaults.MaxSequenceLength;

    /// <summary>What happens to a document with more than <see cref="MaxSequenceLength"/> tokens.</summary>
    /// <value><see cref="OverlongDocuments.KeepStart"/>: training warns with the number of documents that were cut.</value>
    public OverlongDocuments OverlongDocuments { get; set; } = OverlongDocuments.KeepStart;

    /// <summary>What mixes the tokens of a document.</summary>
    /// <value><see cref="AttentionKind.Hsa"/>: hierarchical attention, the fastest of the linear ones and as accurate (docs/learning.md). <see cref="AttentionKind.MahaReference"/>, which attends to padding, is refused.</value>
    public AttentionKind Attention { get; set; } = AttentionKind.Hsa;

    /// <summary>Where the tree of hierarchical attention comes from. Ignored by other attentions.</summary>
    /// <value><see cref="HierarchyKind.Blocks"/>. <see cref="HierarchyKind.Document"/> makes it of the sentences and paragraphs that the tokens show.</value>
    public HierarchyKind Hierarchy { get; set; } = HierarchyKind.Blocks;

    /// <summary>b, the parts of a block of hierarchical attention over blocks. Ignored by other attentions, and where <see cref="Hierarchy"/> is Document.</summary>
    /// <value>16, the fastest on processors. From 2 to 1,024.</value>
    public int Branching { get; set; } = 16;

    /// <summary>How the outputs of the scales become one. Ignored by attention without scales.</summary>
    /// <value><see cref="AggregationKind.Convex"/>.</value>
    public AggregationKind Aggregation { get; set; } = AggregationKind.Convex;

    /// <summary>D, the width of a token.</summary>
    /// <value>128. Divisible by <see cref="NumHeads"/>.</value>
    public int DModel { get; set; } = ModelDefaults.DModel;

    /// <summary>H, the number of attention heads.</summary>
    /// <value>4. At least 1.</value>
    public int NumHeads { get; set; } = 4;

    /// <summary>L, the number of blocks.</summary>
    /// <value>2. From 1 to 1,000.</value>
    public int NumLayers { get; set; } = ModelDefaults.NumLayers;

    /// <summary>F, the width inside the feed-forward layer.</summary>
    /// <value>Null: four times <see cref="DModel"/>.</value>
    public int? FeedForwardDim { get; set; }

    /// <summary>S, the number of scales with the tokens' own. Ignored by attention without scales.</summary>
    /// <value>Null: as many as <see cref="MaxSequenceLength"/> needs.</value>
    public int? NumScales { get; set; }

    /// <summary>r, how many tokens of a scale become one of the next. Ignored by attention without scales.</summary>
    /// <value>2. From 2 to 64.</value>
    public int CompressionRatio { get; set; } = 2;

    /// <summary>w, the window of local attention in tokens. Ignored by full attention.</summary>
    /// <value>128. At least 1.</value>
    public int Window { get; set; } = 128;

    /// <summary>How the model knows where a token stands.</summary>
    /// <value><see cref="PositionKind.Rotary"/>: nothing to learn per position, so that a rare long document is read like the short ones.</value>
    public PositionKind Positions { get; set; } = PositionKind.Rotary;

    /// <summary>The probability with which an activation is dropped in training.</summary>
    /// <value>0.1. In [0, 1).</value>
    public double Dropout { get; set; } = 0.1;

    /// <summary>How often training sees every document, at most: early stopping may end it before.</summary>
    /// <value>Classifiers have null: as many as read about 10 million tokens, from 1 to 10, so that training takes the same time whatever the number of
    /// documents is, as long as one epoch does. Others have 10, which null means too. At least 1.</value>
    public int? NumberOfEpochs { get; set; } = ModelDefaults.NumberOfEpochs;

    /// <summary>The highest learning rate, reached after the warm-up; a cosine brings it down again.</summary>
    /// <value>0.002, for models of about the default width; wider ones want less. Positive.</value>
    public double LearningRate { get; set; } = ModelDefaults.LearningRate;

    /// <summary>The share of the steps in which the learning rate rises from 0.</summary>
    /// <value>0.1. In [0, 1].</value>
    public double WarmupFraction { get; set; } = 0.1;

    /// <summary>AdamW's decay of the weight matrices; biases, norms and embeddings are not decayed.</summary>
    /// <value>0.01. Not negative.</value>
    public double WeightDecay { get; set; } = 0.01;

    /// <summary>The norm to which a longer gradient is cut.</summary>
    /// <value>1. Positive.</value>
    public double MaxGradientNorm { get; set; } = 1;

    /// <summary>The tokens of one batch, padding counted. A longer document has a batch of its own.</summary>
    /// <value>8,192. At least 1.</value>
    public int TokensPerBatch { get; set; } = 8192;

    /// <summary>The share of the training documents that is set aside to validate on.</summary>
    /// <value>0.1. In [0, 1); 0 trains on all and keeps the last weights.</value>
    public double ValidationFraction { get; set; } = 0.1;

    /// <summary>Training ends when the metric has not improved for this many epochs.</summary>
    /// <value>3. At least 1; null runs all epochs. The best weights are kept in either case.</value>
    public int? EarlyStoppingPatience { get; set; } = 3;

    /// <summary>What a cancelled training does.</summary>
    /// <value><see cref="CancellationBehavior.Throw"/>: an <see cref="OperationCanceledException"/>. Before the first step <see cref="CancellationBehavior.KeepBest"/> throws it too: there is no model yet.</value>
    public CancellationBehavior CancellationBehavior { get; set; } = CancellationBehavior.Throw;

    /// <summary>
    /// How long <c>Fit</c> may take. Then the training ends with the best weights so far, or the last ones where no epoch was completed. Where reading and tokenizing take more than half of it,
    /// the rows read so far are trained on, with a warning.
    /// </summary>
    /// <value>Null: as long as <see cref="NumberOfEpochs"/> takes. Above 0. A step that has begun is ended, and a network that nothing stands beside has one step in any case. With a limit two trainings may differ.</value>
    public TimeSpan? MaxTrainingTime { get; set; }

    /// <summary>The seed of weights, dropout, shuffling and split. The same seed, data and thread count give the same model.</summary>
    /// <value>Null: the MLContext's seed, else 0.</value>
    public int? Seed { get; set; }

    /// <summary>Gets a report after every step.</summary>
    /// <value>Null.</value>
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>Ends the training within a step when cancelled.</summary>
    /// <value>A token that is never cancelled.</value>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>A copy whose members can be set without changing these options.</summary>
    internal MahaTextModelOptions Copy() => (MahaTextModelOptions)MemberwiseClone();

    /// <summary>Each default that the catalog's parameters and the options share, once.</summary>
    internal static class ModelDefaults
    {
        public const int MaxSequenceLength = 16384;
        public const int DModel = 128;
        public const int NumLayers = 2;
        public const int NumberOfEpochs = 10;
        public const double LearningRate = 2e-3;
    }
}
