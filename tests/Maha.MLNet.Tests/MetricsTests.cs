using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Tests.LanguageModel;
using Microsoft.ML;

namespace Maha.MLNet.Tests;

/// <summary>What the meter measures. Other tests run at the same time, so that the numbers are at least those of this test.</summary>
public sealed class MetricsTests : IDisposable
{
    private readonly ConcurrentDictionary<(string Instrument, string? Model), (int Count, double Sum)> _sums = [];
    private readonly MeterListener _listener = new();

    public MetricsTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == MahaMetrics.MeterName)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void TrainingsAndPredictions_AreMeasured()
    {
        var context = new MLContext(1);
        var data = Toys.Keyed(context, Toys.Documents(30));
        using (var model = Toys.Trainer(context, epochs: 2).Fit(data))
            Assert.Equal(30, Rows.Of(model.Transform(data)).Count);
        var passages = LanguageToys.Data(context, 6);
        using (var model = LanguageToys.Estimator(context).Fit(passages))
            Assert.Equal(6, Rows.Of(model.Transform(passages)).Count);

        AssertAtLeast("maha.predict.documents", "classifier", 30);
        AssertAtLeast("maha.predict.tokens", "classifier", 30);
        AssertAtLeast("maha.predict.documents", "language model", 6);
        AssertAtLeast("maha.predict.tokens", "language model", 6);
        AssertAtLeast("maha.predict.duration", "classifier", 0);
        AssertAtLeast("maha.train.steps", null, 3);
        AssertAtLeast("maha.train.loss", null, 0);
        // The last step of each training is all of its steps.
        AssertAtLeast("maha.train.progress", null, 2);
    }

    private void AssertAtLeast(string instrument, string? model, double least)
    {
        Assert.True(_sums.TryGetValue((instrument, model), out var measured), instrument);
        Assert.True(measured.Count > 0 && measured.Sum >= least, $"{instrument}: {measured}");
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string? model = tags.IsEmpty ? null : (string?)tags[0].Value;
        _sums.AddOrUpdate((instrument.Name, model), (1, value), (_, sum) => (sum.Count + 1, sum.Sum + value));
    }
}
