using System.Runtime.ExceptionServices;
using Maha.Layers.Distributed;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Distributed;

/// <summary>Threads of one process in place of processes, so that a group is tested without a library for it.</summary>
internal sealed class ThreadGroup : ProcessGroup
{
    private readonly Exchange _exchange;

    private ThreadGroup(Exchange exchange, int rank) => (_exchange, Rank) = (exchange, rank);

    public override int Rank { get; }

    public override int Size => _exchange.Size;

    public override string Description => "threads";

    /// <summary>Runs an action on as many threads as there are members; throws the first exception of each kind when all have ended.</summary>
    public static T[] Run<T>(int size, Func<ProcessGroup, T> action)
    {
        var exchange = new Exchange(size);
        var results = new T[size];
        var errors = new Exception?[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            try
            {
                results[rank] = action(new ThreadGroup(exchange, rank));
            }
            catch (Exception e)
            {
                errors[rank] = e;
                exchange.End();
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        // A member that was waiting for one that failed tells nothing.
        if (errors.OfType<Exception>().OrderBy(error => error is OperationCanceledException { CancellationToken: var token } && token == exchange.Ended).FirstOrDefault() is { } first)
            ExceptionDispatchInfo.Throw(first);
        return results;
    }

    protected override void SumTensor(Tensor values)
    {
        double[] sums = TestTensors.ToArray(values);
        Sum(sums);
        values.copy_(tensor(sums).view(values.shape));
    }

    public override void Sum(Span<double> values)
    {
        double[] sums = new double[values.Length];
        foreach (double[] part in _exchange.All(Rank, values.ToArray()).Cast<double[]>())
        {
            Assert.Equal(sums.Length, part.Length);
            for (int i = 0; i < sums.Length; i++)
                sums[i] += part[i];
        }
        sums.CopyTo(values);
    }

    public override void Broadcast(Span<byte> bytes, int source)
    {
        byte[] ofSource = (byte[])_exchange.All(Rank, bytes.ToArray())[source];
        Assert.Equal(bytes.Length, ofSource.Length);
        ofSource.CopyTo(bytes);
    }

    public override void Fail(Exception error) => throw new NotSupportedException("Threads are not ended.");

    private sealed class Exchange(int size)
    {
        private readonly CancellationTokenSource _ended = new();
        private readonly Barrier _barrier = new(size);
        private readonly object[] _parts = new object[size];

        public int Size => size;

        public CancellationToken Ended => _ended.Token;

        public void End() => _ended.Cancel();

        public object[] All(int rank, object part)
        {
            _parts[rank] = part;
            Assert.True(_barrier.SignalAndWait(TimeSpan.FromMinutes(1), _ended.Token), "A member did not come within a minute.");
            object[] all = [.. _parts];
            Assert.True(_barrier.SignalAndWait(TimeSpan.FromMinutes(1), _ended.Token), "A member did not come within a minute.");
            return all;
        }
    }
}
