using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Kernels.Cuda;

/// <summary>Records the launches in place of making them, for tensors in CPU memory.</summary>
internal sealed class RecordingLauncher : CudaLauncher
{
    public List<(string Kernel, long GridX, int GridY, int GridZ, int Threads)> Launches { get; } = [];

    public List<object> Calls { get; } = [];

    public IEnumerable<string> Kernels => Launches.Select(launch => launch.Kernel);

    public override void Launch<T>(string kernel, long gridX, int gridY, int gridZ, int threads, ref T call)
    {
        Launches.Add((kernel, gridX, gridY, gridZ, threads));
        Calls.Add(call);
    }

    public override nint AddressOf(Tensor tensor) => CudaArgument.Address(tensor);
}
