using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Distributed;

/// <summary>Processes with a GPU each, which exchange tensors by NCCL.</summary>
/// <remarks>
/// Under <c>mpirun</c> the name of the group, numbers and bytes travel by MPI. Otherwise NCCL itself meets at an address, and all values travel by NCCL. In both
/// cases numbers and bytes do not wait for what is queued on the GPU.
/// </remarks>
internal sealed unsafe class NcclProcessGroup : ProcessGroup
{
    // NCCL's own variable: where it is set, every process forms the name of the group from it, and process 0 listens there.
    private const string AddressVariable = "NCCL_COMM_ID";

    private readonly NcclLibrary _nccl;
    private readonly ProcessGroup? _host;
    private readonly NcclMessages? _messages;
    private readonly Device _device;
    private readonly nint _communicator;
    private bool _isEnded;

    private NcclProcessGroup(NcclId id, int rank, int size, Device device, ProcessGroup? host)
    {
        (_nccl, _host, _device) = (NcclLibrary.Instance, host, device);
        (Rank, Size) = (rank, size);
        using var current = CudaDevice.Get(device.index).MakeCurrent();
        nint communicator;
        _nccl.Check(_nccl.Join(&communicator, size, id, rank), "ncclCommInitRank");
        _communicator = communicator;
        if (host is null)
            _messages = new NcclMessages(communicator, rank, device);
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Size { get; }

    /// <inheritdoc/>
    public override string Description => _host is null ? "NCCL" : $"NCCL, started by {_host.Description}";

    /// <summary>Joins the processes of a group on the host side.</summary>
    /// <param name="host">The group of the same processes.</param>
    /// <param name="device">The GPU of this process.</param>
    /// <exception cref="DistributedException">NCCL can't be loaded, or the processes can't meet.</exception>
    public static NcclProcessGroup Join(ProcessGroup host, Device device)
    {
        var nccl = NcclLibrary.Instance;
        NcclId id;
        if (host.IsRoot)
            nccl.Check(nccl.GetUniqueId(&id), "ncclGetUniqueId");
        host.Broadcast(new Span<byte>(id.Bytes, NcclId.Size), source: 0);
        return new NcclProcessGroup(id, host.Rank, host.Size, device, host);
    }

    /// <summary>Joins processes that know their numbers and an address.</summary>
    /// <param name="address">The host and port at which process 0 listens.</param>
    /// <param name="rank">The number of this process.</param>
    /// <param name="size">The number of processes.</param>
    /// <param name="device">The GPU of this process.</param>
    /// <exception cref="DistributedException">NCCL can't be loaded, or the processes can't meet.</exception>
    public static NcclProcessGroup Join(string address, int rank, int size, Device device)
    {
        var nccl = NcclLibrary.Instance;
        nccl.SetVariable(AddressVariable, address);
        NcclId id;
        nccl.Check(nccl.GetUniqueId(&id), "ncclGetUniqueId");
        return new NcclProcessGroup(id, rank, size, device, host: null);
    }

    /// <inheritdoc/>
    protected override void SumTensor(Tensor values)
    {
        RequireUsable();
        if (values.device_type != DeviceType.CUDA)
        {
            using var copy = values.to(_device);
            SumTensor(copy);
            values.copy_(copy);
            return;
        }
        int type = values.dtype switch
        {
            ScalarType.Float32 => NcclLibrary.Floats,
            ScalarType.Float64 => NcclLibrary.Doubles,
            _ => throw new NotSupportedException($"Values must be float32 or float64 to be added between processes, but are {values.dtype}."),
        };
        using var current = CudaDevice.Get(_device.index).MakeCurrent();
        void* data = (void*)CudaArgument.Address(values);

        // On the stream of libtorch's operators, which is the default one, so that the exchange waits for them and they for it.
        _nccl.Check(_nccl.AllReduce(data, data, (nuint)values.numel(), type, NcclLibrary.Addition, _communicator, 0), "ncclAllReduce");
    }

    /// <inheritdoc/>
    public override void Sum(Span<double> values)
    {
        RequireUsable();
        if (_host is not null)
            _host.Sum(values);
        else
            _messages!.Sum(values);
    }

    /// <inheritdoc/>
    public override void Broadcast(Span<byte> bytes, int source)
    {
        RequireUsable();
        if (_host is not null)
            _host.Broadcast(bytes, source);
        else
            _messages!.Broadcast(bytes, source);
    }

    /// <inheritdoc/>
    public override void Fail(Exception error)
    {
        if (_host is not null)
        {
            _host.Fail(error);
            return;
        }
        // The others can't be asked whether they have failed too. Where they have not, they wait until the program that started the processes ends them.
        _isEnded = true;
        _ = _nccl.Abort(_communicator);
        _messages!.Abort();
    }

    private void RequireUsable()
    {
        if (_isEnded)
        {
            throw new DistributedException(
                $"Processes that NCCL joined must not have failed before, but a training has failed in process {Rank} of {Size}. " +
                "Start the processes anew, or start them by mpirun, under which they can go on after a failure that all of them have.");
        }
    }
}
