using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Distributed;

/// <summary>Processes that train one model together. Each computes the gradients of its share of the documents of a step.</summary>
/// <remarks>
/// Every process calls the same methods in the same order; a call returns when all processes have made it. A group is used by one thread at a time.
/// </remarks>
internal abstract class ProcessGroup
{
    /// <summary>The number of this process, from 0. Process 0, the root, reads and writes what the processes share.</summary>
    public abstract int Rank { get; }

    /// <summary>The number of processes.</summary>
    public abstract int Size { get; }

    /// <summary>Whether this process is the root.</summary>
    public bool IsRoot => Rank == 0;

    /// <summary>What the processes talk through, for messages.</summary>
    public abstract string Description { get; }

    /// <summary>The number of bytes of the tensors that this process has added to those of the others.</summary>
    public long SummedBytes { get; private set; }

    /// <summary>The time of these sums. On a GPU the time until they have begun, since the GPU adds while the program goes on.</summary>
    public TimeSpan SummingTime { get; private set; }

    /// <summary>Replaces values by their sums over all processes, which are the same in every process, bit for bit.</summary>
    /// <param name="values">The values, contiguous, of float32 or float64.</param>
    /// <exception cref="DistributedException">The exchange failed.</exception>
    public void Sum(Tensor values)
    {
        long started = Stopwatch.GetTimestamp();
        SumTensor(values);
        SummedBytes += values.numel() * values.element_size();
        SummingTime += Stopwatch.GetElapsedTime(started);
    }

    /// <summary>Replaces numbers by their sums over all processes.</summary>
    /// <exception cref="DistributedException">The exchange failed.</exception>
    public abstract void Sum(Span<double> values);

    /// <summary>Replaces bytes by those of one process.</summary>
    /// <param name="bytes">The bytes, as many in every process.</param>
    /// <param name="source">The number of the process that has the bytes.</param>
    /// <exception cref="DistributedException">The exchange failed.</exception>
    public abstract void Broadcast(Span<byte> bytes, int source);

    /// <summary>
    /// Ends the use of the group after an exception that the other processes may not have. With MPI the group can be used again if all of them come here; if they
    /// do not come within some seconds, they wait for this process in vain, and all processes are ended. Processes that NCCL alone joined can't ask each other: their
    /// group can't be used again.
    /// </summary>
    /// <param name="error">The exception.</param>
    public abstract void Fail(Exception error);

    /// <summary>Replaces the values of a tensor by their sums over all processes.</summary>
    protected abstract void SumTensor(Tensor values);

    /// <summary>Returns the bytes of one process, of any number.</summary>
    /// <param name="bytes">The bytes; ignored in other processes than the source.</param>
    /// <param name="source">The number of the process that has the bytes.</param>
    public byte[] Broadcast(byte[]? bytes, int source = 0)
    {
        long length = Rank == source ? bytes!.LongLength : 0;
        Broadcast(MemoryMarshal.AsBytes(new Span<long>(ref length)), source);
        byte[] result = Rank == source ? bytes! : new byte[length];
        Broadcast(result.AsSpan(), source);
        return result;
    }

    /// <summary>Returns bytes that the root makes.</summary>
    /// <param name="make">Makes the bytes; called in the root alone.</param>
    /// <exception cref="OperationCanceledException">It was canceled in the root.</exception>
    /// <exception cref="DistributedException">The root failed. In the root itself the exception of <paramref name="make"/> is thrown.</exception>
    public byte[] FromRoot(Func<byte[]> make)
    {
        byte[]? bytes = null;
        Exception? error = null;
        if (IsRoot)
        {
            try
            {
                bytes = make();
            }
            catch (Exception e)
            {
                error = e;
            }
        }
        string failure = Encoding.UTF8.GetString(Broadcast(IsRoot ? Encoding.UTF8.GetBytes(error is null ? "" : $"{error.GetType().Name}: {error.Message}") : null));
        bool isCanceled = Any(error is OperationCanceledException);
        if (error is not null)
            ExceptionDispatchInfo.Throw(error);
        if (isCanceled)
            throw new OperationCanceledException("The training was canceled in process 0.");
        if (failure.Length > 0)
            throw new DistributedException($"All processes of a training must succeed, but process 0 has failed, and this one ends too. {failure}");
        return Broadcast(bytes);
    }

    /// <summary>Returns the bytes of every process, in the order of their numbers.</summary>
    public byte[][] Gather(byte[] bytes) => [.. Enumerable.Range(0, Size).Select(source => Broadcast(bytes, source))];

    /// <summary>Returns whether a condition holds in any process.</summary>
    public bool Any(bool condition)
    {
        double count = condition ? 1 : 0;
        Sum(new Span<double>(ref count));
        return count > 0;
    }

    /// <summary>Returns, for each of some conditions, whether it holds in any process.</summary>
    public bool[] AnyOf(bool[] conditions)
    {
        double[] counts = Array.ConvertAll(conditions, condition => condition ? 1.0 : 0);
        Sum(counts);
        return Array.ConvertAll(counts, count => count > 0);
    }

    /// <summary>Returns whether all processes have the same bytes as the root.</summary>
    public bool IsSame(ReadOnlySpan<byte> bytes)
    {
        byte[] ofRoot = Broadcast(IsRoot ? bytes.ToArray() : null);
        return !Any(!ofRoot.AsSpan().SequenceEqual(bytes));
    }
}
