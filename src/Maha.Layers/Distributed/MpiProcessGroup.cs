using System.Diagnostics;
using static TorchSharp.torch;

namespace Maha.Layers.Distributed;

/// <summary>The processes that <c>mpirun</c> started, on one or several hosts, which exchange values by Open MPI.</summary>
internal sealed unsafe class MpiProcessGroup : ProcessGroup
{
    // MPI counts in 32 bits.
    private const int MaxCount = 1 << 28;

    // Other processes that fail for the same reason come within moments; those that wait for this one never do.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(5);

    private readonly MpiLibrary _mpi;
    private readonly nint _values;
    private readonly nint _failures;
    private volatile bool _isFailing;

    private MpiProcessGroup(MpiLibrary mpi)
    {
        _mpi = mpi;
        int isInitialized, provided, rank, size;
        mpi.Check(mpi.IsInitialized(&isInitialized), "MPI_Initialized");
        if (isInitialized == 0)
        {
            mpi.Check(mpi.Initialize(null, 0, MpiLibrary.Serialized, &provided), "MPI_Init_thread");
            if (provided < MpiLibrary.Serialized)
            {
                throw new DistributedException(
                    $"Open MPI must allow calls from changing threads (level {MpiLibrary.Serialized}), but allows level {provided}. Use a build with threads.");
            }
            AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
        }
        mpi.Check(mpi.GetRank(mpi.World, &rank), "MPI_Comm_rank");
        mpi.Check(mpi.GetSize(mpi.World, &size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);

        // Communicators of its own: the calling program may use MPI as well, and a process that fails must not meet an exchange of the others.
        nint values, failures;
        mpi.Check(mpi.Duplicate(mpi.World, &values), "MPI_Comm_dup");
        mpi.Check(mpi.Duplicate(mpi.World, &failures), "MPI_Comm_dup");
        (_values, _failures) = (values, failures);
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Size { get; }

    /// <inheritdoc/>
    public override string Description => "MPI";

    /// <summary>Joins the other processes. A process can join once.</summary>
    /// <exception cref="DistributedException">Open MPI can't be loaded or started.</exception>
    public static MpiProcessGroup Join() => new(MpiLibrary.Instance);

    /// <inheritdoc/>
    protected override void SumTensor(Tensor values)
    {
        if (values.device_type != TorchSharp.DeviceType.CPU)
        {
            using var copy = values.cpu();
            SumTensor(copy);
            values.copy_(copy);
            return;
        }
        var (type, bytes) = values.dtype switch
        {
            ScalarType.Float32 => (_mpi.Floats, sizeof(float)),
            ScalarType.Float64 => (_mpi.Doubles, sizeof(double)),
            _ => throw new NotSupportedException($"Values must be float32 or float64 to be added between processes, but are {values.dtype}."),
        };
        fixed (byte* start = values.bytes)
            Sum(start, values.numel(), type, bytes);
    }

    /// <inheritdoc/>
    public override void Sum(Span<double> values)
    {
        fixed (double* start = values)
            Sum((byte*)start, values.Length, _mpi.Doubles, sizeof(double));
    }

    /// <inheritdoc/>
    public override void Broadcast(Span<byte> bytes, int source)
    {
        fixed (byte* start = bytes)
        {
            for (long offset = 0; offset < bytes.Length; offset += MaxCount)
                _mpi.Check(_mpi.Broadcast(start + offset, (int)Math.Min(MaxCount, bytes.Length - offset), _mpi.Bytes, source, _values), "MPI_Bcast");
        }
    }

    /// <inheritdoc/>
    public override void Fail(Exception error)
    {
        nint request;
        _isFailing = true;
        _mpi.Check(_mpi.BeginBarrier(_failures, &request), "MPI_Ibarrier");
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < s_patience)
        {
            int isDone;
            _mpi.Check(_mpi.Test(&request, &isDone, 0), "MPI_Test");
            if (isDone != 0)
            {
                _isFailing = false;
                return;
            }
            Thread.Sleep(s_pollInterval);
        }
        Console.Error.WriteLine(
            $"Process {Rank} of {Size} of a training failed, and the others have not: all are ended, since they would wait for it. " +
            $"The failure is {error.GetType().Name}: {error.Message}");
        _ = _mpi.Abort(_mpi.World, 1);
    }

    private void Sum(byte* start, long count, nint type, int bytes)
    {
        for (long offset = 0; offset < count; offset += MaxCount)
        {
            int part = (int)Math.Min(MaxCount, count - offset);
            _mpi.Check(_mpi.AllReduce(MpiLibrary.InPlace, start + (offset * bytes), part, type, _mpi.Addition, _values), "MPI_Allreduce");
        }
    }

    private void End()
    {
        int isFinalized;
        if (!_isFailing && _mpi.IsFinalized(&isFinalized) == 0 && isFinalized == 0)
            _ = _mpi.Finalize();
    }
}
