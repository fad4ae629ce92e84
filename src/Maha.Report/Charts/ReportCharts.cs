using Maha.MLNet.Explanation;
using Maha.Report.Content;

namespace Maha.Report.Charts;

/// <summary>The charts of a report.</summary>
internal static class ReportCharts
{
    private const int MaxPoints = 150;

    /// <summary>The training loss by step, and the loss of each validation.</summary>
    public static string Loss(IReadOnlyList<StepRecord> steps, IReadOnlyList<EpochRecord> epochs)
    {
        (double X, double Y)[] training = [.. Thin(steps)], validation = [.. epochs.Select(epoch => ((double)epoch.Step, epoch.Loss))];
        double last = Math.Max(training.Select(point => point.X).LastOrDefault(), validation.Select(point => point.X).LastOrDefault());
        var x = Scale.Numbers(0, Math.Max(1, last));
        var y = Scale.Numbers(0, training.Concat(validation).Max(point => point.Y));
        var chart = new Chart("loss").X("step", 0, x.Max, x.Ticks).Y("loss (nats)", 0, y.Max, y.Ticks);
        if (training.Length > 0)
            chart.Line("training", 0, training);
        if (validation.Length > 0)
            chart.Line("validation", 1, validation, hasMarkers: true);
        return chart.ToFigure("Loss");
    }

    /// <summary>The accuracy and the macro F1 of each validation.</summary>
    public static string Validation(IReadOnlyList<EpochRecord> epochs)
    {
        (double X, double Y)[] accuracy = [.. epochs.Where(epoch => epoch.Accuracy is not null).Select(epoch => ((double)epoch.Epoch, epoch.Accuracy!.Value))];
        (double X, double Y)[] f1 = [.. epochs.Where(epoch => epoch.MacroF1 is not null).Select(epoch => ((double)epoch.Epoch, epoch.MacroF1!.Value))];
        int last = epochs.Max(epoch => epoch.Epoch), every = Math.Max(1, last / 8);
        var y = Scale.Shares(accuracy.Concat(f1).Min(point => point.Y));
        return new Chart("validation")
            .X("epoch", 0.5, last + 0.5, Enumerable.Range(1, last).Where(epoch => epoch % every == 0).Select(epoch => ((double)epoch, $"{epoch}")))
            .Y("share", y.Min, y.Max, y.Ticks)
            .Line("accuracy", 0, accuracy, hasMarkers: true)
            .Line("macro F1", 1, f1, hasMarkers: true)
            .ToFigure("Validation of the network");
    }

    /// <summary>The accuracy by confidence.</summary>
    public static string Reliability(IReadOnlyList<ReliabilityBin> bins)
    {
        double least = Math.Min(bins[0].Confidence, bins.Min(bin => bin.Accuracy));
        var (x, y) = (Scale.Shares(bins[0].Confidence), Scale.Shares(least));
        return new Chart("reliability")
            .X("confidence: probability of the predicted label", x.Min, x.Max, x.Ticks)
            .Y("accuracy", y.Min, y.Max, y.Ticks)
            .Line("perfect", -1, [(y.Min, y.Min), (1, 1)], isDashed: true)
            .Line("model", 0, bins.Select(bin => (bin.Confidence, bin.Accuracy)), hasMarkers: true)
            .ToFigure("Reliability");
    }

    /// <summary>The accuracy of what is answered, by the share that is answered.</summary>
    public static string Coverage(IReadOnlyList<CoveragePoint> points)
    {
        int every = Math.Max(1, points.Count / MaxPoints);
        CoveragePoint[] shown = [.. points.Where((_, i) => i % every == 0), points[^1]];
        // The first few documents make shares of nothing.
        CoveragePoint[] stable = [.. shown.Where(point => point.Coverage >= 0.05)];
        var y = Scale.Shares(stable.Min(point => point.Accuracy));
        return new Chart("coverage")
            .X("coverage: share of the documents that are answered", 0, 1, Scale.Shares(0).Ticks)
            .Y("accuracy of these", y.Min, y.Max, y.Ticks)
            .Line(null, 0, stable.Select(point => (point.Coverage, point.Accuracy)))
            .ToFigure("Accuracy if unsure documents are refused");
    }

    /// <summary>The accuracy by the length of the document.</summary>
    public static string ByLength(IReadOnlyList<LengthGroup> groups)
    {
        var y = Scale.Shares(groups.Min(group => group.Low));
        return new Chart("length")
            .X("words of the document", -0.5, groups.Count - 0.5, groups.Select((group, i) => ((double)i, Range(group))))
            .Y("accuracy", y.Min, y.Max, y.Ticks)
            .Ranges(0, groups.Select((group, i) => ((double)i, Math.Max(y.Min, group.Low), group.High)))
            .Line(null, 0, groups.Select((group, i) => ((double)i, group.Accuracy)), hasMarkers: true)
            .ToFigure("Accuracy by length, with 95% intervals");

        static string Range(LengthGroup group) => group.Shortest == group.Longest ? Short(group.Shortest) : $"{Short(group.Shortest)}-{Short(group.Longest)}";
        static string Short(int words) => words < 1000 ? $"{words}" : FormattableString.Invariant($"{words / 1000.0:G2}k");
    }

    /// <summary>The mean weight of the scales in each layer.</summary>
    public static string ScaleWeights(IReadOnlyList<LayerInspection> layers)
    {
        LayerInspection[] shown = [.. layers.Where(layer => layer.ScaleWeights is not null).Take(4)];
        int scales = shown.Max(layer => layer.ScaleWeights!.Count);
        double width = 0.8 / shown.Length;
        var y = Scale.Shares(0);
        var chart = new Chart("scales")
            .X("scale, the finest first", -0.5, scales - 0.5, Enumerable.Range(0, scales).Select(scale => ((double)scale, $"{scale + 1}")))
            .Y("mean weight", y.Min, y.Max, y.Ticks);
        for (int layer = 0; layer < shown.Length; layer++)
        {
            double offset = (layer - ((shown.Length - 1) / 2.0)) * width;
            chart.Bars(shown[layer].Name, layer, shown[layer].ScaleWeights!.Select((weight, scale) => (scale + offset, weight)), width * 0.9);
        }
        return chart.ToFigure("Weights of the scales");
    }

    // Means of runs of steps, so that a long training is a line that can be read.
    private static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<StepRecord> steps)
    {
        int size = Math.Max(1, (steps.Count + MaxPoints - 1) / MaxPoints);
        return steps.Chunk(size).Select(run => (run.Average(step => (double)step.Step), run.Average(step => step.Loss)));
    }
}
