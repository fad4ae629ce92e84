namespace Maha.Layers.Training;

/// <summary>
/// The learning rate of each step: a linear warm-up, then half a cosine (Loshchilov and Hutter 2017) or a straight line down to a fraction
/// of the peak.
/// </summary>
/// <remarks>
/// With T steps, W = round(warmupFraction T) of them warm-up, peak p and floor m p:
/// rate(t) = p (t + 1) / W for t below W; then p (m + (1 - m) d(u)) with u = (t - W) / (T - 1 - W) and d(u) = (1 + cos(pi u)) / 2 or
/// d(u) = 1 - u, so that the first step after the warm-up has the peak and the last step the floor.
/// </remarks>
internal sealed class LearningRateSchedule(
    double peak, double minFraction, double warmupFraction, long totalSteps, LearningRateDecay decay = LearningRateDecay.Cosine)
{
    private readonly long _warmupSteps = (long)Math.Round(warmupFraction * totalSteps, MidpointRounding.AwayFromZero);

    /// <summary>Returns the learning rate of a step.</summary>
    /// <param name="step">The step, in [0, totalSteps).</param>
    public double RateAt(long step)
    {
        if (step < _warmupSteps)
            return peak * (step + 1) / _warmupSteps;
        // A single step after the warm-up has the peak, since there is no interval to decay over.
        long last = totalSteps - 1 - _warmupSteps;
        // Of very many epochs the number of steps is estimated: a training that has more keeps the floor.
        double u = last <= 0 ? 0 : Math.Min(1, (double)(step - _warmupSteps) / last);
        return decay == LearningRateDecay.Linear
            ? peak * (minFraction + (1 - minFraction) * (1 - u))
            : peak * (minFraction + (1 - minFraction) * 0.5 * (1 + Math.Cos(Math.PI * u)));
    }
}
