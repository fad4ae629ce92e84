using System.Globalization;
using Microsoft.ML.AutoML;

namespace AutoML;

/// <summary>Writes a line for every trial that ends.</summary>
internal sealed class TrialLines(TextWriter output) : IMonitor
{
    public void ReportRunningTrial(TrialSettings settings)
    {
    }

    public void ReportCompletedTrial(TrialResult result)
        => output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"trial {result.TrialSettings.TrialId}: {result.Metric:F4} in {result.DurationInMilliseconds / 1000:F0} s"));

    public void ReportBestTrial(TrialResult result) => output.WriteLine($"trial {result.TrialSettings.TrialId} is the best so far");

    public void ReportFailTrial(TrialSettings settings, Exception? exception = null) =>
        output.WriteLine($"trial {settings.TrialId} failed: {exception?.Message}");
}
