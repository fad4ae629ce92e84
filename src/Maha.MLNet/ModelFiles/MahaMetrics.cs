using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Maha.MLNet.ModelFiles;

/// <summary>The counters of the library, for dashboards: the meter "Maha.MLNet". docs/operations.md lists its instruments.</summary>
/// <remarks>An instrument that nothing listens to costs next to nothing.</remarks>
internal static class MahaMetrics
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Maha.MLNet";

    /// <summary>The tag of every measurement: the kind of model, for instance "classifier".</summary>
    private const string ModelTag = "maha.model";

    private static readonly Meter s_meter = new(MeterName, typeof(MahaMetrics).Assembly.GetName().Version?.ToString());

    private static readonly Counter<long> s_documents = s_meter.CreateCounter<long>("maha.predict.documents", "{document}", "Documents that were predicted.");

    private static readonly Counter<long> s_tokens = s_meter.CreateCounter<long>("maha.predict.tokens", "{token}", "Tokens that were read for predictions.");

    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram<double>(
        "maha.predict.duration", "s", "Time of a prediction: of one document, or of the documents that were predicted together.");

    private static readonly Counter<long> s_steps = s_meter.CreateCounter<long>("maha.train.steps", "{step}", "Training steps.");

    private static readonly Histogram<double> s_loss = s_meter.CreateHistogram<double>("maha.train.loss", null, "Mean loss of the batches of a training step.");

    private static readonly Histogram<double> s_progress = s_meter.CreateHistogram<double>(
        "maha.train.progress", "1", "Fraction of the steps of a training that are done, after each step.");

    /// <summary>Whether predictions are measured.</summary>
    public static bool MeasuresPredictions => s_documents.Enabled || s_tokens.Enabled || s_duration.Enabled;

    /// <summary>Measures a prediction.</summary>
    /// <param name="model">The kind of model.</param>
    /// <param name="documents">The number of documents.</param>
    /// <param name="tokens">The number of their tokens.</param>
    /// <param name="started">The time stamp at the start.</param>
    public static void AddPrediction(string model, int documents, long tokens, long started)
    {
        var tag = new KeyValuePair<string, object?>(ModelTag, model);
        s_documents.Add(documents, tag);
        s_tokens.Add(tokens, tag);
        s_duration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tag);
    }

    /// <summary>Measures a training step.</summary>
    /// <param name="loss">The mean loss of its batches; NaN where no batch had one.</param>
    /// <param name="fraction">The fraction of the steps that are done.</param>
    public static void AddStep(double loss, double fraction)
    {
        s_steps.Add(1);
        if (double.IsFinite(loss))
            s_loss.Record(loss);
        s_progress.Record(fraction);
    }
}
