namespace Maha.TestData;

/// <summary>Collects garbage on a thread of its own, without a pause, until it is disposed: objects that nothing keeps alive are finalized at once.</summary>
public sealed class ForcedCollections : IDisposable
{
    private readonly CancellationTokenSource _ended = new();
    private readonly Thread _collector;

    /// <summary>Starts the collections.</summary>
    public ForcedCollections()
    {
        _collector = new Thread(() =>
        {
            while (!_ended.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        _collector.Start();
    }

    /// <summary>Ends the collections and waits for the thread.</summary>
    public void Dispose()
    {
        _ended.Cancel();
        _collector.Join();
        _ended.Dispose();
    }
}
