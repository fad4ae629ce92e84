using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Kernels;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using Maha.MLNet.Bridge;
using Maha.MLNet.ModelFiles;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>
/// What the fitting of every model of texts does: seed, device, cancellation, tokenizer, token ids, training with reports. The options are only read.
/// </summary>
internal sealed partial class ModelFitting : IDisposable
{
    // What a timer can count.
    private static readonly TimeSpan s_longestTime = TimeSpan.FromDays(24);

    // The weight, its gradient, and two moments of the optimizer.
    private const long TrainedBytesPerWeight = 4 * sizeof(float);

    private readonly IHost _host;
    private readonly MahaEstimatorOptions _options;
    private readonly CancellationTokenSource _cancellation;
    private readonly List<CancellationTokenSource> _timeLimits = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Timer _watchingHost;
    private bool _isDisposed;

    // How often a canceled host is noticed where nothing is read or reported.
    private static readonly TimeSpan s_hostInterval = TimeSpan.FromMilliseconds(200);

    private ModelFitting(IHost host, MahaEstimatorOptions options)
    {
        _host = host;
        _options = options;
        Seed = options.Seed ?? MLNetInternals.SeedOf(host) ?? 0;
        Device = Devices.Choose(host, options.Distributed);
        Group = options.Distributed == DistributedTraining.Auto ? ProcessGroups.Join(Device) : null;
        ComputeType = PrecisionChoice.Choose(options.Precision, Device, Group);
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(options.CancellationToken);
        Channel = Group?.IsRoot != false ? host.Start("Training") : new SilentChannel(host.Start("Training"));
        (Checkpoints, _elapsedBefore) = OpenCheckpoints();
        if (Group is not null)
        {
            Channel.Info(
                MessageSensitivity.None,
                $"{Group.Size} processes train together by {Group.Description}; this one, the first, trains on {Device}.");
        }
        if (options.UnusedOptions() is { Count: > 0 } unused)
            Channel.Warning(MessageSensitivity.None, $"{string.Join(", ", unused)} {(unused.Count == 1 ? "has" : "have")} no effect under Attention {options.Attention}. Leave {(unused.Count == 1 ? "it" : "them")} out, or choose an attention that has {(unused.Count == 1 ? "it" : "them")}.");
        if (PrecisionChoice.Warning(ComputeType, Device) is { } slow)
            Channel.Warning(MessageSensitivity.None, slow);
        _watchingHost = new Timer(_ => WatchHost(), null, s_hostInterval, s_hostInterval);
    }

    /// <summary>The seed of everything.</summary>
    public int Seed { get; }

    /// <summary>Where the model is trained.</summary>
    public Device Device { get; }

    /// <summary>The type that networks compute with during their training; null for that of their weights, Float32.</summary>
    public ScalarType? ComputeType { get; }

    /// <summary>What is said to the user.</summary>
    public IChannel Channel { get; }

    /// <summary>Cancelled with the options' token and with the host.</summary>
    public CancellationToken CancellationToken => _cancellation.Token;

    /// <summary>Ends the channel.</summary>
    public void Dispose()
    {
        _watchingHost.Dispose();
        if (_cancellation.IsCancellationRequested)
            Checkpoints?.SaveUnsavedParts();
        Checkpoints?.Dispose();
        Channel.Dispose();
        lock (_cancellation)
        {
            _isDisposed = true;
            foreach (var limit in _timeLimits)
                limit.Dispose();
            _cancellation.Dispose();
        }
    }

    /// <summary>Canceled with the fitting, and when a share of <see cref="MahaEstimatorOptions.MaxTrainingTime"/> is over.</summary>
    public CancellationToken Until(double share)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(_cancellation.Token);
        _timeLimits.Add(limit);
        if (_options.MaxTrainingTime is { } time)
            limit.CancelAfter(Left(time * share));
        return limit.Token;
    }

    /// <summary>Whether <see cref="MahaEstimatorOptions.MaxTrainingTime"/>, or a share of it, is over.</summary>
    public bool IsTimeOver(double share = 1) => _options.MaxTrainingTime is { } time && Left(time * share) == TimeSpan.Zero;

    /// <summary>The time that <see cref="MahaEstimatorOptions.MaxTrainingTime"/> leaves; null without a limit.</summary>
    public TimeSpan? TimeLeft => _options.MaxTrainingTime is { } time ? Left(time) : null;

    /// <summary>Throws where the fitting was cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public void Check()
    {
        if (MLNetInternals.IsCanceled(_host))
            _cancellation.Cancel();
        _cancellation.Token.ThrowIfCancellationRequested();
    }

    /// <summary>How documents become token ids.</summary>
    public TokenizedDatasetOptions DatasetOptions(int maxSequenceLength) => new()
    {
        MaxDocumentTokens = maxSequenceLength,
        OverlongDocuments = _options.OverlongDocuments,
        TemporaryDirectory = MLNetInternals.TempFolderOf(_host),
    };

    /// <summary>Warns of documents that were cut.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="what">What they are, for instance "training".</param>
    /// <param name="maxSequenceLength">The limit at which they were cut.</param>
    public void WarnOfCuts(TokenizedDataset documents, string what, int maxSequenceLength) =>
        WarnOfCuts(documents.NumTruncatedDocuments, documents.NumTruncatedTokens, what, maxSequenceLength);

    /// <summary>Warns of documents that were cut.</summary>
    /// <param name="numDocuments">The number of documents that were cut; 0 for no warning.</param>
    /// <param name="numTokens">The number of tokens that were cut, about.</param>
    /// <param name="what">What the documents are, for instance "training".</param>
    /// <param name="maxSequenceLength">The limit at which they were cut.</param>
    public void WarnOfCuts(long numDocuments, long numTokens, string what, int maxSequenceLength)
    {
        if (numDocuments > 0)
        {
            Channel.Warning(
                MessageSensitivity.None,
                $"{numDocuments} {what} documents have more than {maxSequenceLength} tokens and were cut ({_options.OverlongDocuments}); " +
                $"about {numTokens} tokens are not read. Raise MaxSequenceLength to read them.");
        }
    }

    /// <summary>Checks that a network can be trained in the memory of this machine: the system ends a process that takes more.</summary>
    /// <param name="numWeights">The number of weights, or a lower bound.</param>
    /// <exception cref="InvalidOperationException">There is less memory.</exception>
    public void RequireMemory(long numWeights)
    {
        // A GPU has memory of its own, which CUDA reports when it is full. The weights are made on the processor in any case.
        long bytesPerWeight = Device.type == DeviceType.CPU ? TrainedBytesPerWeight : sizeof(float);
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (numWeights > available / bytesPerWeight)
        {
            const double gib = 1L << 30;
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"A network must fit into memory with its gradients and the state of the optimizer, but at least {numWeights} weights take " +
                $"{numWeights * (bytesPerWeight / gib):F1} GiB and this machine has {available / gib:F1}. Lower DModel, NumLayers or other widths."));
        }
    }

    /// <summary>Builds a network or what holds one, its first weights drawn under the seed.</summary>
    public T Build<T>(Func<T> build) => NetworkBuilding.Build(build, Seed);

    /// <summary>Trains the module of a task; reports go to the channel, to the options' progress and to the host.</summary>
    /// <param name="task">What to train, and for what.</param>
    /// <param name="options">How to train.</param>
    /// <param name="training">The documents to learn from.</param>
    /// <param name="validating">The documents to judge by; null to set apart a share of the others.</param>
    /// <param name="needsStep">Whether there must be a step, even where the time is over.</param>
    public TrainingResult Train(ITrainingTask task, TrainingOptions options, ITokenizedDocuments training, ITokenizedDocuments? validating, bool needsStep = true)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_cancellation.Token);
        var behavior = options.CancellationBehavior;
        options = options with { ComputeType = ComputeType };
        if (_options.MaxTrainingTime is not null)
            options = options with { CancellationBehavior = CancellationBehavior.KeepBest };
        using var entry = _host.StartProgressChannel("Maha training");
        TrainingProgress? latest = null;
        // A training that goes on has had its step.
        bool isResumed = IsTrue(Checkpoints?.HasState == true);
        entry.SetHeader(new ProgressHeader(["Loss", "Learning rate", "Tokens per second"], ["epochs", "steps"]), progress =>
        {
            if (latest is not { } now)
                return;
            progress.SetProgress(0, now.Epoch, now.NumberOfEpochs);
            progress.SetProgress(1, now.Step, now.TotalSteps);
            progress.SetMetric(0, now.Loss);
            progress.SetMetric(1, now.LearningRate);
            progress.SetMetric(2, now.TokensPerSecond);
        });
        var report = new Report(now =>
        {
            // From the first step on, so that there is a step however short the time.
            if (latest is null && needsStep && !isResumed && _options.MaxTrainingTime is { } time)
                end.CancelAfter(Left(time));
            latest = now;
            if (now is { Validation: null, Restart: null })
                MahaMetrics.AddStep(now.Loss, now.TotalSteps == 0 ? 0 : Math.Min(1, now.Step / (double)now.TotalSteps));
            if (Group?.IsRoot != false)
                _options.Progress?.Report(now);
            if (now.Restart is { } restart)
                Channel.Warning(MessageSensitivity.None, TrainingMessages.Restart(restart));
            if (now.Validation is { } metrics)
            {
                Channel.Info(MessageSensitivity.None, TrainingMessages.Epoch(now, metrics));
                for (int layer = 0; layer < (metrics.Layers?.Count ?? 0); layer++)
                    Channel.Info(MessageSensitivity.None, $"Layer {layer + 1}: {TrainingMessages.Layer(metrics.Layers![layer])}.");
            }
            if (MLNetInternals.IsCanceled(_host))
                _cancellation.Cancel();
        });
        if ((!needsStep || isResumed) && _options.MaxTrainingTime is { } limit)
            end.CancelAfter(Left(limit));
        var summedBefore = (Bytes: Group?.SummedBytes ?? 0, Time: Group?.SummingTime ?? TimeSpan.Zero);
        var result = Train(new Trainer(options) { Checkpoints = Checkpoints, Group = Group }, task, training, validating, report, end.Token);
        AgreeOnCancellation();
        if (behavior == CancellationBehavior.Throw)
            _cancellation.Token.ThrowIfCancellationRequested();
        // The weights are random: there is nothing to keep.
        if (needsStep && result.Steps == 0)
            _cancellation.Token.ThrowIfCancellationRequested();
        if (result is { IsBetterThanPrior: false, BestValidation.Loss: var loss })
            Channel.Warning(MessageSensitivity.None, TrainingMessages.Useless(loss, result.PriorLoss!.Value));
        if (CudaKernels.Problem is { } problem)
            Channel.Warning(MessageSensitivity.None, CudaProblem.Message(problem));
        string best = result.BestEpoch is int epoch ? $"; best epoch {epoch}" : "";
        if (Group is not null && result.Steps > 0)
        {
            Channel.Info(MessageSensitivity.None, string.Create(
                CultureInfo.InvariantCulture,
                $"The processes exchanged {(Group.SummedBytes - summedBefore.Bytes) / 1e6 / result.Steps:F2} MB per step, in " +
                $"{(Group.SummingTime - summedBefore.Time).TotalMilliseconds / result.Steps:F2} of {result.Duration.TotalMilliseconds / result.Steps:F1} ms."));
        }
        string outcome = result.Outcome == TrainingOutcome.Canceled && !_cancellation.IsCancellationRequested ? "MaxTrainingTime was over" : $"{result.Outcome}";
        Channel.Info(MessageSensitivity.None, $"Training ended: {outcome} after {result.Steps} steps on {result.NumTrainingDocuments} documents{best}.");
        return result;
    }

    /// <summary>Gives a model whose trees are the documents' own what it needs of the tokenizer.</summary>
    public static MahaTransformerOptions WithTokenParts(MahaTransformerOptions model, ByteLevelBpeTokenizer tokenizer)
        => model.UsesDocumentTrees ? model with { TokenParts = TokenParts.FromTokenizer(tokenizer) } : model;

    /// <summary>Checks the options that all models share, before any data is read.</summary>
    /// <param name="options">The options.</param>
    /// <param name="model">The shape of the model that they describe.</param>
    /// <param name="training">The training that they describe.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void CheckOptions(MahaEstimatorOptions options, MahaTransformerOptions model, TrainingOptions training)
    {
        new ByteLevelBpeTokenizerOptions { VocabSize = options.VocabSize }.Validate();
        if (options.Attention == AttentionKind.MahaReference)
            throw new ArgumentException("Attention must take padding, since documents of different lengths share a batch, but is MahaReference, which attends to padding as the published code does. Choose Maha, the efficient form.", nameof(options.Attention));
        model.Validate();
        options.ValidateAttentions();
        TokenLimit.Check(options.MaxSequenceLength, options.OverlongDocuments);
        training.Validate();
        CheckCheckpoints(options);
        TensorChecks.Known(options.Distributed, nameof(options.Distributed));
        TensorChecks.Known(options.Precision, nameof(options.Precision));
        if (options.MaxTrainingTime is { } time && !(time > TimeSpan.Zero && time <= s_longestTime))
            throw new ArgumentOutOfRangeException(nameof(options.MaxTrainingTime), time, $"MaxTrainingTime must be above 0 and at most {s_longestTime.TotalDays:F0} days, but is {time}. Leave it out for no limit.");
    }

    private void WatchHost()
    {
        lock (_cancellation)
        {
            if (!_isDisposed && MLNetInternals.IsCanceled(_host))
                _cancellation.Cancel();
        }
    }

    /// <summary>Reports on the training thread, in order; <see cref="Progress{T}"/> would post to a context.</summary>
    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
