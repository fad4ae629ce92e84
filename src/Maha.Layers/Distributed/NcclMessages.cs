using System.Runtime.InteropServices;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Distributed;

/// <summary>Sends numbers and bytes of the processors between processes by NCCL, on a stream of its own, so that they do not wait for what is queued on the GPU.</summary>
internal sealed unsafe class NcclMessages
{
    // Longer messages are sent in pieces of this size.
    private const int BufferBytes = 1 << 20;

    private readonly NcclLibrary _nccl = NcclLibrary.Instance;
    private readonly CudaDevice _device;
    private readonly nint _communicator;
    private readonly nint _stream;
    private readonly nint _buffer;

    /// <summary>Joins the processes of a communicator, all of which must do so. Like the communicator, stream and buffer exist until the process ends.</summary>
    /// <param name="communicator">NCCL's communicator. Exchanges of one communicator wait for each other, so that messages need their own.</param>
    /// <param name="rank">The number of this process.</param>
    /// <param name="device">The GPU of this process, whose context is current.</param>
    /// <exception cref="DistributedException">The processes can't meet, or NCCL is older than 2.18.</exception>
    /// <exception cref="CudaException">There is no stream or memory left on the GPU.</exception>
    public NcclMessages(nint communicator, int rank, Device device)
    {
        _device = CudaDevice.Get(device.index);
        nint created, stream, buffer;
        _nccl.Check(_nccl.Split(communicator, 0, rank, &created, null), "ncclCommSplit");
        CudaDriver.Check(CudaDriver.CreateStream(&stream, CudaDriver.StreamNonBlocking), "cuStreamCreate");
        CudaDriver.Check(CudaDriver.Allocate(&buffer, BufferBytes), "cuMemAlloc");
        (_communicator, _stream, _buffer) = (created, stream, buffer);
    }

    /// <summary>Replaces numbers by their sums over all processes.</summary>
    /// <exception cref="DistributedException">NCCL failed.</exception>
    /// <exception cref="CudaException">The copy between processor and GPU failed.</exception>
    public void Sum(Span<double> values) => Exchange(MemoryMarshal.AsBytes(values), "ncclAllReduce", bytes => _nccl.AllReduce(
        (void*)_buffer, (void*)_buffer, (nuint)(bytes / sizeof(double)), NcclLibrary.Doubles, NcclLibrary.Addition, _communicator, _stream));

    /// <summary>Replaces bytes by those of one process.</summary>
    /// <exception cref="DistributedException">NCCL failed.</exception>
    /// <exception cref="CudaException">The copy between processor and GPU failed.</exception>
    public void Broadcast(Span<byte> bytes, int source) => Exchange(bytes, "ncclBroadcast", count => _nccl.Broadcast(
        (void*)_buffer, (void*)_buffer, (nuint)count, NcclLibrary.Bytes, source, _communicator, _stream));

    /// <summary>Ends exchanges that the other processes do not make.</summary>
    public void Abort() => _ = _nccl.Abort(_communicator);

    // Runs a call of NCCL on the buffer for each piece of a message.
    private void Exchange(Span<byte> message, string call, Func<int, int> run)
    {
        using var current = _device.MakeCurrent();
        for (int start = 0; start < message.Length; start += BufferBytes)
        {
            var piece = message.Slice(start, Math.Min(BufferBytes, message.Length - start));
            fixed (byte* bytes = piece)
            {
                CudaDriver.Check(CudaDriver.CopyToDevice(_buffer, bytes, (nuint)piece.Length, _stream), "cuMemcpyHtoDAsync");
                _nccl.Check(run(piece.Length), call);
                CudaDriver.Check(CudaDriver.CopyToHost(bytes, _buffer, (nuint)piece.Length, _stream), "cuMemcpyDtoHAsync");
                CudaDriver.Check(CudaDriver.SynchronizeStream(_stream), "cuStreamSynchronize");
            }
        }
    }
}
