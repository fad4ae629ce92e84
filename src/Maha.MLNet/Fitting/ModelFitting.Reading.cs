using System.Diagnostics;
using System.Text.Json;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <content>What is read and learned before the training of the network, within the time limit, and the checkpoints.</content>
internal sealed partial class ModelFitting
{
    private const string TokenizerPart = "Tokenizer";

    // Of the time that a limit gives, what is over when the reading of texts for the tokenizer ends, its merges, and the reading for the training.
    private const double ShareOfWords = 0.2;
    private const double ShareOfTokenizer = 0.35;
    private const double ShareOfReading = 0.5;

    // What may be read however short the time is: a few hundred documents tell something, two don't.
    private static readonly TimeSpan s_leastReading = TimeSpan.FromSeconds(0.5);

    // Characters from which a tokenizer is learned in a fraction of a second.
    private const int FewCharacters = 1 << 18;

    /// <summary>The checkpoints; null without <see cref="MahaEstimatorOptions.CheckpointPath"/>.</summary>
    public FittingCheckpoints? Checkpoints { get; }

    // The time that the fitting had taken in earlier processes.
    private readonly TimeSpan _elapsedBefore;

    /// <summary>Rows as long as there is time to read; the first ones in any case.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="isEnough">Whether the rows so far can be trained on.</param>
    /// <param name="what">The rows in messages.</param>
    /// <exception cref="ArgumentException">The rows are not those of the checkpoint that the fitting goes on from.</exception>
    public IEnumerable<T> WhileTimeIsLeft<T>(IEnumerable<T> rows, Func<T, bool> isEnough, string what = "training data")
    {
        using var record = Checkpoints is null && Group is null ? null : new RowRecord(this, what, waits: _options.MaxTrainingTime is not null);
        int read = 0;
        long readingSince = Stopwatch.GetTimestamp();
        bool isCut = false;
        foreach (var row in rows)
        {
            record?.Add(row);
            yield return row;
            read++;
            isCut = record?.IsComplete == true;
            if (isCut)
                break;
            if (!isEnough(row) || record?.IsKnown == true || !IsTimeOver(ShareOfReading) || Stopwatch.GetElapsedTime(readingSince) < s_leastReading)
                continue;
            Channel.Warning(
                MessageSensitivity.None,
                $"Half of MaxTrainingTime ({_options.MaxTrainingTime}) was over when {read} documents had been read: the training goes on with these. " +
                "Give it more time, or rows in random order.");
            isCut = true;
            break;
        }
        record?.Complete(isCut);
    }

    /// <summary>Learns a vocabulary: of all texts, or of those that there is time for.</summary>
    public ByteLevelBpeTokenizer TrainTokenizer(IEnumerable<string> texts) =>
        MakeOnce(TokenizerPart, () => LearnTokenizer(texts), (stream, tokenizer) => tokenizer.Save(stream), ByteLevelBpeTokenizer.Load);

    private ByteLevelBpeTokenizer LearnTokenizer(IEnumerable<string> texts)
    {
        var settings = new ByteLevelBpeTokenizerOptions { VocabSize = _options.VocabSize };
        if (_options.MaxTrainingTime is null)
            return ByteLevelBpeTokenizer.Train(texts, settings, cancellationToken: _cancellation.Token);
        var first = new List<string>();
        int characters = 0;
        try
        {
            return ByteLevelBpeTokenizer.Train(Read(), settings, cancellationToken: Until(ShareOfTokenizer));
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            Channel.Warning(
                MessageSensitivity.None,
                $"MaxTrainingTime ({_options.MaxTrainingTime}) is too short for a tokenizer of all texts: it was learned from the first {first.Count}.");
            return ByteLevelBpeTokenizer.Train(first, settings, cancellationToken: _cancellation.Token);
        }

        IEnumerable<string> Read()
        {
            foreach (string text in texts)
            {
                if (characters < FewCharacters)
                {
                    first.Add(text.Length <= FewCharacters ? text : text[..FewCharacters]);
                    characters += first[^1].Length;
                }
                yield return text;
                if (IsTimeOver(ShareOfWords))
                    yield break;
            }
        }
    }

    /// <summary>Returns what a checkpoint knows, or chooses it and adds it to the checkpoints.</summary>
    /// <param name="part">The name of the choice.</param>
    /// <param name="choose">Makes the choice.</param>
    /// <param name="isKept">Whether the choice goes to the checkpoints. One that follows from the trained network must not: a training that goes on has another.</param>
    public T Choose<T>(string part, Func<T> choose, bool isKept = true) =>
        MakeOnce(part, choose, (stream, choice) => JsonSerializer.Serialize(stream, choice), stream => JsonSerializer.Deserialize<T>(stream)!, _ => isKept);

    /// <summary>Ends the fitting: a complete one needs its checkpoints no more.</summary>
    /// <param name="model">The model.</param>
    /// <param name="network">The network of the model.</param>
    /// <returns>The model.</returns>
    public T Complete<T>(T model, nn.Module network)
    {
        if (Group is not null)
            GradientBuckets.Spread(Group, ModuleWeights.StateOf(network).Values);
        // A canceled training that keeps its best weights can go on later.
        if (!_cancellation.IsCancellationRequested)
            Checkpoints?.Delete();
        return model;
    }

    private TrainingResult Train(
        Trainer trainer, ITrainingTask task, ITokenizedDocuments training, ITokenizedDocuments? validating, IProgress<TrainingProgress> report,
        CancellationToken token)
    {
        try
        {
            return trainer.Train(task, training, validating, report, token);
        }
        catch (TrainingDivergedException)
        {
            // It would diverge again.
            Checkpoints?.Delete();
            throw;
        }
    }

    // With the time that the fitting had taken in earlier processes.
    private (FittingCheckpoints? Checkpoints, TimeSpan ElapsedBefore) OpenCheckpoints()
    {
        if (_options.CheckpointPath is not { } folder)
            return (null, TimeSpan.Zero);
        FittingCheckpoints? checkpoints = null;
        try
        {
            byte[] elapsed = FromRoot(() =>
            {
                var description = OptionDescription.Create(_options, Seed, Device.type, ComputeType);
                checkpoints = new FittingCheckpoints(folder, _options.CheckpointInterval, description, Channel);
                return BitConverter.GetBytes(checkpoints.ElapsedBefore.Ticks);
            });
            return (checkpoints, new TimeSpan(BitConverter.ToInt64(elapsed)));
        }
        catch
        {
            Channel.Dispose();
            _cancellation.Dispose();
            throw;
        }
    }

    private static void CheckCheckpoints(MahaEstimatorOptions options)
    {
        if (options.CheckpointPath is { } folder && (string.IsNullOrWhiteSpace(folder) || folder.Contains('\0')))
        {
            throw new ArgumentException(
                $"CheckpointPath must be the path of a folder, but {(folder.Contains('\0') ? "has the character NUL" : "is empty")}. Leave it null for no checkpoints.",
                nameof(options.CheckpointPath));
        }
        if (options.CheckpointInterval < TimeSpan.Zero)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options.CheckpointInterval), options.CheckpointInterval,
                $"CheckpointInterval must be at least 0, but is {options.CheckpointInterval}. Use about 5 minutes, and 0 for a checkpoint after every step.");
        }
    }

    private TimeSpan Left(TimeSpan limit) => limit - _elapsedBefore - Stopwatch.GetElapsedTime(_started) is { Ticks: > 0 } left ? left : TimeSpan.Zero;
}
