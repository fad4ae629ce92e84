using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Distributed;

/// <summary>Finds the processes that were started together with this one, by the variables of the program that started them.</summary>
internal static class ProcessGroups
{
    private static readonly Lock s_lock = new();
    private static MpiProcessGroup? s_mpi;
    private static ProcessGroup? s_joined;

    /// <summary>The group that this process has joined; null before <see cref="Join"/>, and for a process alone.</summary>
    public static ProcessGroup? Joined
    {
        get
        {
            lock (s_lock)
                return s_joined;
        }
    }

    /// <summary>Returns the number of this process among those of its host, from 0; null where the variables do not have it.</summary>
    public static int? LocalRank => Number("OMPI_COMM_WORLD_LOCAL_RANK") ?? Number("LOCAL_RANK") ?? Number("SLURM_LOCALID");

    /// <summary>Returns whether several processes were started together.</summary>
    public static bool IsStartedTogether => IsUnderMpi || Number("WORLD_SIZE") > 1;

    private static bool IsUnderMpi => Number("OMPI_COMM_WORLD_SIZE") > 1 || (Number("SLURM_NTASKS") > 1 && Number("PMIX_RANK") is not null);

    /// <summary>
    /// Joins the other processes: by MPI under <c>mpirun</c> (and under <c>srun --mpi=pmix</c>), by NCCL with the variables MASTER_ADDR, MASTER_PORT, RANK and
    /// WORLD_SIZE otherwise. A process joins once and stays in the group until it ends.
    /// </summary>
    /// <param name="device">The device of the model. On a GPU gradients travel by NCCL.</param>
    /// <returns>The group; null for a process that was started alone.</returns>
    /// <exception cref="DistributedException">A library is missing, a variable is missing, or the device can't be used between the processes.</exception>
    public static ProcessGroup? Join(Device device)
    {
        if (!IsStartedTogether)
            return null;
        lock (s_lock)
        {
            if (IsUnderMpi)
            {
                s_mpi ??= MpiProcessGroup.Join();
                bool isOnGpu = device.type == DeviceType.CUDA;
                if (s_mpi.Any(isOnGpu) && s_mpi.Any(!isOnGpu))
                {
                    throw new DistributedException(
                        $"The processes of a training must all have a GPU, or none, but some have one and some have not; process {s_mpi.Rank} trains on {device}. " +
                        "Set MLContext.GpuDeviceId in all processes or in none, and FallbackToCpu to false.");
                }
                return s_joined = isOnGpu ? s_joined as NcclProcessGroup ?? NcclProcessGroup.Join(s_mpi, device) : s_mpi;
            }
            if (device.type != DeviceType.CUDA)
            {
                throw new DistributedException(
                    "Processes that train on processors must be started by mpirun, but WORLD_SIZE is set and there is no mpirun. " +
                    "Start them by 'mpirun -n 4 dotnet app.dll', or set MLContext.GpuDeviceId to train on GPUs.");
            }
            return s_joined ??= JoinByAddress(device);
        }
    }

    private static NcclProcessGroup JoinByAddress(Device device)
    {
        int size = Required("WORLD_SIZE"), rank = Required("RANK"), port = Required("MASTER_PORT");
        string host = Environment.GetEnvironmentVariable("MASTER_ADDR") is { Length: > 0 } name ? name : throw Missing("MASTER_ADDR", "");
        // torchrun itself listens at the port.
        if (Environment.GetEnvironmentVariable("TORCHELASTIC_USE_AGENT_STORE") is not null)
            port++;
        return NcclProcessGroup.Join(string.Create(CultureInfo.InvariantCulture, $"{host}:{port}"), rank, size, device);
    }

    private static int Required(string variable) =>
        Number(variable) ?? throw Missing(variable, Environment.GetEnvironmentVariable(variable) ?? "");

    private static DistributedException Missing(string variable, string value) => new(
        $"Processes that were started together need the environment variables MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE, but {variable} is '{value}'. " +
        "Set all four, or start the processes by mpirun.");

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
