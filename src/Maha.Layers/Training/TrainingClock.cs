using System.Diagnostics;

namespace Maha.Layers.Training;

/// <summary>How fast a training is, and how long it will still take.</summary>
/// <remarks>Training and validation are timed apart, so that the speed does not drop after a validation nor the estimate forget them.</remarks>
internal sealed class TrainingClock(long totalTokens, int totalValidations)
{
    // Until a validation has been timed: a forward pass alone costs about a third of a training step.
    private const double AssumedValidationCost = 1.0 / 3;

    private readonly long _started = Stopwatch.GetTimestamp();
    private TimeSpan _training;
    private TimeSpan _validation;
    private long _tokens;
    private int _validations;

    /// <summary>The tokens of the validation documents.</summary>
    public long ValidationTokens { get; init; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

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
            return TimeSpan.FromSeconds((totalTokens - _tokens) * secondsPerToken + (totalValidations - _validations) * secondsPerValidation);
        }
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
