namespace Microsoft.ML.Runtime;

public interface IProgressChannelProvider
{
    IProgressChannel StartProgressChannel(string name);
}

public interface IProgressChannel : IProgressChannelProvider, IDisposable
{
    void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction);
    void Checkpoint(params double?[] values);
}

public interface IProgressEntry
{
    void SetProgress(int index, double value);
    void SetProgress(int index, double value, double lim);
    void SetMetric(int index, double value);
}

public sealed class ProgressHeader
{
    public readonly IReadOnlyList<string> UnitNames;
    public readonly IReadOnlyList<string> MetricNames;

    public ProgressHeader(string[] metricNames, string[] unitNames)
    {
        MetricNames = metricNames ?? [];
        UnitNames = unitNames ?? [];
    }

    public ProgressHeader(params string[] unitNames) : this(null, unitNames)
    {
    }
}

// MLContext has no listener for progress: a channel checks what it is told and forgets it.
internal sealed class ProgressChannel(IExceptionContext context, string name) : IProgressChannel
{
    private ProgressHeader _header = new();

    public string Name { get; } = name;

    public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction)
    {
        context.CheckValue(header, nameof(header));
        context.CheckValue(fillAction, nameof(fillAction));
        _header = header;
    }

    public void Checkpoint(params double?[] values)
    {
        int most = _header.MetricNames.Count + 2 * _header.UnitNames.Count;
        context.CheckParam((values?.Length ?? 0) <= most, nameof(values), $"A checkpoint has at most {most} values (metrics, progress, limits), but got {values?.Length}.");
    }

    public IProgressChannel StartProgressChannel(string name) => new ProgressChannel(context, Name + "; " + name);

    public void Dispose()
    {
    }
}
