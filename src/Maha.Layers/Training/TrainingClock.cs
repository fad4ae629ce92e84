using System.Diagnostics;
using Maha.Layers.Core;

namespace Maha.Layers.Training;

/// <summary>Measures the speed of a training and estimates the remaining time.</summary>
/// <remarks>Training and validation are timed separately, so that a validation does not lower the speed and the estimate includes validations.</remarks>
internal sealed class TrainingClock
{
    // The cost of a validation token relative to a training token until a validation has been timed: a forward pass is about a third of
    // a training step.
    private const double AssumedValidationCost = 1.0 / 3;

    private readonly long _started = Stopwatch.GetTimestamp();
    private TimeSpan _before;
    private TimeSpan _training;
    private TimeSpan _validation;
    private long _tokens;
    private int _validations;
    private long _totalTokens;
    private int _totalValidations;

    /// <summary>The number of tokens of the validation documents.</summary>
    public long ValidationTokens { get; init; }

    /// <summary>The time of the training, with the time before it went on from a checkpoint.</summary>
    public TimeSpan Elapsed => _before + Stopwatch.GetElapsedTime(_started);

    /// <summary>The state.</summary>
    public TrainingClockState State => new(Elapsed, _training, _validation, _tokens, _validations, _totalTokens, _totalValidations);

    /// <summary>Goes on from a state.</summary>
    public void Restore(TrainingClockState state)
    {
        (_before, _training, _validation, _tokens, _validations, _totalTokens, _totalValidations) = state;
        _before -= Stopwatch.GetElapsedTime(_started);
    }

    public double TokensPerSecond => _training > TimeSpan.Zero ? _tokens / _training.TotalSeconds : 0;

    public TimeSpan TimeLeft
    {
        get
        {
            if (_tokens == 0)
                return TimeSpan.Zero;
            double secondsPerToken = _training.TotalSeconds / _tokens;
            double secondsPerValidation = _validations > 0
                ? _validation.TotalSeconds / _validations
                : secondsPerToken * ValidationTokens * AssumedValidationCost;
            return Durations.FromSeconds((_totalTokens - _tokens) * secondsPerToken + (_totalValidations - _validations) * secondsPerValidation);
        }
    }

    /// <summary>Sets what is still to do.</summary>
    /// <param name="tokens">The number of training tokens, over all epochs.</param>
    /// <param name="validations">The number of validations.</param>
    public void Plan(long tokens, int validations)
    {
        _totalTokens = _tokens + tokens;
        _totalValidations = _validations + validations;
    }

    public void AddStep(long tokens, TimeSpan duration)
    {
        _tokens += tokens;
        _training += duration;
    }

    public void AddValidation(TimeSpan duration)
    {
        _validations++;
        _validation += duration;
    }
}
