using Maha.Layers.Core;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.ModelFiles;

/// <summary>Builds networks, whatever a program does with the generator and the default type of torch, which belong to the whole process.</summary>
internal static class NetworkBuilding
{
    /// <summary>Builds a network or what holds one. Its weights are Float32, also where another type is torch's default.</summary>
    /// <param name="build">Builds it.</param>
    /// <param name="seed">The seed of its first weights.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static T Build<T>(Func<T> build, long seed = 0)
    {
        var built = RandomStateScope.Build(build, seed);
        var module = built as nn.Module ?? (built as ITrainingTask)?.Module;
        // Not by changing the default while it is built: other threads may make tensors of their own.
        if (module is not null && module.parameters().Any(weight => weight.dtype != ScalarType.Float32))
            module.to(ScalarType.Float32);
        return built;
    }
}
