using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.MLNet;

/// <summary>What Maha's estimators of texts share: tokenizer, model and training.</summary>
public abstract partial class MahaEstimatorOptions
{
    // The layers' own records hold the model's and the training's options: each is defined, checked and saved there. The records can't change, so that a copy
    // is safe.
    private MahaTransformerOptions _model = new()
    {
        VocabSize = 8192,
        MaxSequenceLength = ModelDefaults.MaxSequenceLength,
        DModel = ModelDefaults.DModel,
        NumHeads = 4,
        NumLayers = ModelDefaults.NumLayers,
        Positions = PositionKind.Rotary,
    };

    // The residual paths of a block are normed after they are added, so that the largest rate that is stable falls with width and depth.
    private const double DModelOfDefaultRate = 128;
    private const double NumLayersOfDefaultRate = 4;

    private HsaOptions _hsa = new();
    private MahaOptions _maha = ModelDefaults.Maha;
    private WindowOptions _window = new();
    private TrainingOptions _training = new() { LearningRate = ModelDefaults.LearningRate };

    // The options that the caller has set and whose default depends on the model. A list that never changes, so that a copy is safe.
    private ImmutableHashSet<string> _set = [];

    private protected MahaEstimatorOptions()
    {
    }

    /// <summary>V, the size of the vocabulary that is learned from the training texts. A small corpus may give fewer.</summary>
    /// <value>8,192. From 262 (special tokens and 256 bytes) to 1,048,576.</value>
    public int VocabSize { get => _model.VocabSize; set => _model = _model with { VocabSize = value }; }

    /// <summary>The most tokens of a document that are read. See <see cref="OverlongDocuments"/> for what happens beyond.</summary>
    /// <value>
    /// 16,384; language models have 1,024, and an encoder in BERT layout that reads windows has no limit unless it is set. From 1 to 16,777,216.
    /// </value>
    public int MaxSequenceLength { get => _model.MaxSequenceLength; set => _model = Set(_model with { MaxSequenceLength = value }); }

    /// <summary>What happens to a document with more than <see cref="MaxSequenceLength"/> tokens.</summary>
    /// <value><see cref="OverlongDocuments.KeepStart"/>: training warns with the number of documents that were cut.</value>
    public OverlongDocuments OverlongDocuments { get; set; } = OverlongDocuments.KeepStart;

    /// <summary>The attention that mixes the tokens of a document.</summary>
    /// <value>
    /// <see cref="AttentionKind.Hsa"/>: hierarchical attention, the fastest of the linear ones and as accurate.
    /// <see cref="AttentionKind.MahaReference"/>, which attends to padding, is refused.
    /// </value>
    public AttentionKind Attention { get; set; } = AttentionKind.Hsa;

    /// <inheritdoc cref="HsaOptions.Hierarchy"/>
    /// <value>
    /// <see cref="HierarchyKind.Blocks"/>. <see cref="HierarchyKind.Document"/> builds the tree from sentences and paragraphs, which are found in the tokens. For
    /// Hsa and HsaCausal.
    /// </value>
    public HierarchyKind Hierarchy { get => _hsa.Hierarchy; set => _hsa = _hsa with { Hierarchy = value }; }

    /// <inheritdoc cref="HsaOptions.Branching"/>
    /// <value>16, the fastest on processors. From 2 to 1,024. For Hsa and HsaCausal.</value>
    public int Branching { get => _hsa.Branching; set => _hsa = _hsa with { Branching = value }; }

    /// <inheritdoc cref="MultiscaleOptions.Aggregation"/>
    /// <value><see cref="AggregationKind.Convex"/>. For Maha.</value>
    public AggregationKind Aggregation { get; set; } = AggregationKind.Convex;

    /// <inheritdoc cref="MahaBlockOptions.DModel"/>
    /// <value>128. From 1 to 65,536, divisible by <see cref="NumHeads"/>.</value>
    public int DModel { get => _model.DModel; set => _model = _model with { DModel = value }; }

    /// <inheritdoc cref="MahaBlockOptions.NumHeads"/>
    /// <value>4. At least 1.</value>
    public int NumHeads { get => _model.NumHeads; set => _model = _model with { NumHeads = value }; }

    /// <inheritdoc cref="MahaTransformerOptions.NumLayers"/>
    /// <value>2. From 1 to 1,000.</value>
    public int NumLayers { get => _model.NumLayers; set => _model = _model with { NumLayers = value }; }

    /// <inheritdoc cref="MahaBlockOptions.FeedForwardDim"/>
    /// <value>Null: four times <see cref="DModel"/>.</value>
    public int? FeedForwardDim { get; set; }

    /// <inheritdoc cref="MultiscaleOptions.NumScales"/>
    /// <value>Null: as many as <see cref="MaxSequenceLength"/> needs. From 1 to 12. For Maha.</value>
    public int? NumScales { get => _maha.NumScales; set => _maha = _maha with { NumScales = value }; }

    /// <inheritdoc cref="MultiscaleOptions.CompressionRatio"/>
    /// <value>2. From 2 to 64. For Maha.</value>
    public int CompressionRatio { get => _maha.CompressionRatio; set => _maha = _maha with { CompressionRatio = value }; }

    /// <inheritdoc cref="MahaOptions.Window"/>
    /// <value>128. From 1 to 1,048,576. For Maha and Window.</value>
    public int Window
    {
        get => _maha.Window;
        set => (_maha, _window) = (_maha with { Window = value }, _window with { Window = value });
    }

    /// <inheritdoc cref="MahaOptions.LocalResidual"/>
    /// <value>
    /// True: more accurate than the attention of the paper, which false gives, on most tasks that were measured (docs/learning.md), for about 5% more time of a
    /// training on a GPU. A saved model keeps what it was trained with. For Maha.
    /// </value>
    public bool LocalResidual { get => _maha.LocalResidual; set => _maha = _maha with { LocalResidual = value }; }

    /// <inheritdoc cref="MahaBlockOptions.Positions"/>
    /// <value><see cref="PositionKind.Rotary"/>: nothing to learn per position, so that a rare long document is read like the short ones.</value>
    public PositionKind Positions { get => _model.Positions; set => _model = _model with { Positions = value }; }

    /// <inheritdoc cref="MahaBlockOptions.Dropout"/>
    /// <value>0.1. In [0, 1).</value>
    public double Dropout { get => _model.Dropout; set => _model = _model with { Dropout = value }; }

    /// <summary>How often training sees every document, at most: early stopping may end it before.</summary>
    /// <value>
    /// Classifiers have null: as many as read about 10 million tokens (on a GPU, of documents of more than 256 tokens on average, 100 million), from 1 to 10, or
    /// to 30 for such documents, so that training takes the same time whatever the number of documents is, as long as one epoch does. With an encoder in BERT
    /// layout they are chosen by the number of documents and the time. Language models have 10, which null means too, and MahaEncode has 2. At least 1.
    /// </value>
    public int? NumberOfEpochs { get; set; } = ModelDefaults.NumberOfEpochs;

    /// <summary>The highest learning rate, reached after the warm-up; a cosine brings it down again.</summary>
    /// <value>
    /// 0.002 (MahaEncode: 0.001) for models of up to 128 channels and four layers. A wider or deeper model learns nothing at the rate of a small one: by default
    /// it has this rate times 128 / <see cref="DModel"/>, and times 4 / <see cref="NumLayers"/>, where these are below 1. Classifiers that start from random
    /// weights have a lower rate for documents of more than 256 tokens on average, of which a step has few. Positive.
    /// </value>
    public double LearningRate
    {
        get => IsSet(nameof(LearningRate)) ? _training.LearningRate
            : _training.LearningRate * Math.Min(1, DModelOfDefaultRate / DModel) * Math.Min(1, NumLayersOfDefaultRate / NumLayers);
        set => _training = Set(_training with { LearningRate = value });
    }

    /// <summary>The share of the steps in which the learning rate rises from 0.</summary>
    /// <value>0.1. In [0, 1].</value>
    public double WarmupFraction { get => _training.WarmupFraction; set => _training = _training with { WarmupFraction = value }; }

    /// <summary>AdamW's decay of the weight matrices; biases, norms and embeddings are not decayed.</summary>
    /// <value>0.01. Not negative.</value>
    public double WeightDecay { get => _training.WeightDecay; set => _training = _training with { WeightDecay = value }; }

    /// <summary>The norm to which a longer gradient is cut.</summary>
    /// <value>1. Positive.</value>
    public double MaxGradientNorm { get => _training.MaxGradientNorm; set => _training = _training with { MaxGradientNorm = value }; }

    /// <summary>The tokens of one batch, padding counted. A longer document has a batch of its own.</summary>
    /// <value>
    /// 8,192; MahaEncode has 32,768. On a GPU, classifiers have larger batches of documents of more than 256 tokens on average, up to all documents of a step. With
    /// an encoder in BERT layout a batch has all documents of a step, as far as they fit into memory. At least 1.
    /// </value>
    public int TokensPerBatch { get => _training.TokensPerBatch; set => _training = Set(_training with { TokensPerBatch = value }); }

    /// <summary>
    /// The number of batches whose gradients are averaged for one step: the effect of a larger <see cref="TokensPerBatch"/> in the memory of this one.
    /// </summary>
    /// <value>1: a step per batch. From 1 to 1,048,576.</value>
    public int GradientAccumulation { get => _training.GradientAccumulation; set => _training = _training with { GradientAccumulation = value }; }

    /// <summary>The precision of the numbers that the network computes with during the training. The trained network has weights of Float32 in any case.</summary>
    /// <value>
    /// <see cref="TrainingPrecision.Auto"/>: BFloat16 on a GPU that has it, Float32 elsewhere. BFloat16 is refused on a GPU of compute capability below 8.0 and
    /// slow on most processors. docs/gpu.md has the details.
    /// </value>
    public TrainingPrecision Precision { get; set; }

    /// <summary>The share of the training documents that is set aside to validate on.</summary>
    /// <value>0.1; MahaEncode has 0. In [0, 1); 0 trains on all and keeps the last weights.</value>
    public double ValidationFraction { get => _training.ValidationFraction; set => _training = _training with { ValidationFraction = value }; }

    /// <summary>Training ends when the metric has not improved for this many epochs.</summary>
    /// <value>3. At least 1; null runs all epochs. The best weights are kept in either case.</value>
    public int? EarlyStoppingPatience { get => _training.EarlyStoppingPatience; set => _training = _training with { EarlyStoppingPatience = value }; }

    /// <summary>What a canceled training does.</summary>
    /// <value>
    /// <see cref="CancellationBehavior.Throw"/>: <c>Fit</c> throws an <see cref="OperationCanceledException"/>. Before the first step
    /// <see cref="CancellationBehavior.KeepBest"/> throws it too, since there is no model yet.
    /// </value>
    public CancellationBehavior CancellationBehavior
    {
        get => _training.CancellationBehavior;
        set => _training = _training with { CancellationBehavior = value };
    }

    /// <summary>
    /// The time that <c>Fit</c> may take. When it is over, the training ends with the best weights so far, or with the last ones if no epoch was completed. If
    /// reading and tokenizing take more than half of it, the training uses the rows read so far, with a warning.
    /// </summary>
    /// <value>
    /// Null: the time that <see cref="NumberOfEpochs"/> takes. Above 0. A step that has begun is completed, and a network without n-grams is trained for at least
    /// one step. With a limit two trainings may differ.
    /// </value>
    public TimeSpan? MaxTrainingTime { get; set; }

    /// <summary>
    /// The folder of checkpoints. With one, <c>Fit</c> writes what it has learned to the folder from time to time, and also when it is canceled. If the
    /// process ends before <c>Fit</c> does, a later <c>Fit</c> with the same options and data goes on from the last checkpoint.
    /// </summary>
    /// <value>
    /// Null: no checkpoints. The folder is created, and the last two checkpoints are kept in it; a damaged one is passed over with a warning. <c>Fit</c> throws
    /// an <see cref="ArgumentException"/> if the options or data are not those of the checkpoint. On a processor, with the same number of threads and without
    /// <see cref="MaxTrainingTime"/>, the model is the same, bit for bit, as that of a training that was not interrupted. The time before counts toward
    /// <see cref="MaxTrainingTime"/>. The checkpoints are deleted when <c>Fit</c> returns a complete model: save the model then. Give each training a folder
    /// of its own.
    /// </value>
    public string? CheckpointPath { get; set; }

    /// <summary>The time between two checkpoints in <see cref="CheckpointPath"/>.</summary>
    /// <value>5 minutes. At least 0, which writes one after every step.</value>
    public TimeSpan CheckpointInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether the training is divided among processes that were started together, on one or several machines.</summary>
    /// <value>
    /// <see cref="DistributedTraining.Off"/>. With <see cref="DistributedTraining.Auto"/> every process calls <c>Fit</c> with the same options and data and gets
    /// the same model. A step has the same documents as in one process, so that the number of processes changes the time and not the result, except for
    /// rounding and dropout. Each process has a GPU of its own where <c>MLContext.GpuDeviceId</c> is set. Messages, <see cref="Progress"/> and checkpoints come
    /// from process 0. It needs Open MPI on processors and NCCL on GPUs; docs/scale.md has the details.
    /// </value>
    public DistributedTraining Distributed { get; set; }

    /// <summary>The seed of weights, dropout, shuffling and split. The same seed, data and thread count give the same model.</summary>
    /// <value>Null: the MLContext's seed, else 0.</value>
    public int? Seed { get; set; }

    /// <summary>Receives a report after every step.</summary>
    /// <value>Null.</value>
    public IProgress<TrainingProgress>? Progress { get; set; }

    /// <summary>Ends the training within a step when it is canceled.</summary>
    /// <value>A token that is never canceled.</value>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>Returns whether the caller has set an option whose default depends on the model: MaxSequenceLength, LearningRate or TokensPerBatch.</summary>
    internal bool IsSet(string option) => _set.Contains(option);

    /// <summary>A copy whose members can be set without changing these options.</summary>
    internal MahaEstimatorOptions Copy() => (MahaEstimatorOptions)MemberwiseClone();

    /// <summary>The shape of the model; what only some models have is for the caller to add.</summary>
    /// <param name="vocabSize">V, the number of ids of the tokenizer.</param>
    internal MahaTransformerOptions ToModelOptions(int vocabSize)
    {
        var model = _model with { VocabSize = vocabSize, Attention = ChosenAttention };
        return FeedForwardDim is int width ? model with { FeedForwardDim = width } : model;
    }

    /// <summary>How the model is trained; what only some tasks have is for the caller to add.</summary>
    internal TrainingOptions ToTrainingOptions(int seed, Device? device) =>
        _training with { NumberOfEpochs = NumberOfEpochs ?? ModelDefaults.NumberOfEpochs, LearningRate = LearningRate, Seed = seed, Device = device };

    /// <summary>Replaces the default of an option that depends on the model, which does not count as setting it.</summary>
    private protected void UseDefaultLearningRate(double learningRate) => _training = _training with { LearningRate = learningRate };

    private protected T Set<T>(T value, [CallerMemberName] string option = "")
    {
        _set = _set.Add(option);
        return value;
    }

    /// <summary>Each default that the catalog's parameters and the options share, once.</summary>
    internal static class ModelDefaults
    {
        public const int MaxSequenceLength = 16384;
        public const int DModel = 128;
        public const int NumLayers = 2;
        public const int NumberOfEpochs = 10;
        public const double LearningRate = 2e-3;

        // The layers' own default is the attention of the paper.
        public static readonly MahaOptions Maha = new() { LocalResidual = true };
    }
}
