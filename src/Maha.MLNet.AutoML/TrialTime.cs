using System.Runtime.CompilerServices;
using Microsoft.ML;

namespace Maha.MLNet.AutoML;

/// <summary>
/// The time limit of a trial. The runner sets it on the context of the trial, from which the estimators of the pipeline read it when the trial builds them.
/// </summary>
internal static class TrialTime
{
    /// <summary>The part of the remaining time that a trial may use: every kind of candidate gets its turn, and the first trials are the cheap ones.</summary>
    private const double Share = 1 / 8.0;

    // Less time teaches a network nothing, and reading the texts takes a part of it.
    private static readonly TimeSpan s_least = TimeSpan.FromSeconds(10);

    private static readonly ConditionalWeakTable<MLContext, object> s_limits = [];

    /// <summary>Sets the limit of a trial.</summary>
    public static void Set(MLContext context, TimeSpan limit) => s_limits.AddOrUpdate(context, limit);

    /// <summary>Returns the limit of the trial that uses a context; null for none.</summary>
    public static TimeSpan? Get(MLContext context) => s_limits.TryGetValue(context, out object? limit) ? (TimeSpan)limit : null;

    /// <summary>Returns the limit of each training of a trial.</summary>
    /// <param name="left">The time that is left of the experiment.</param>
    /// <param name="trainings">The number of trainings of a trial: one per fold.</param>
    public static TimeSpan Choose(TimeSpan left, int trainings)
    {
        var trial = left * Share;
        return (trial > s_least ? trial : s_least) / trainings;
    }
}
