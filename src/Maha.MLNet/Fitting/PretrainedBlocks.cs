using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>The blocks over the whole document of a saved classifier, from which another training can go on.</summary>
/// <param name="Options">The shape of the blocks.</param>
/// <param name="Weights">The weights by their names in a <see cref="WindowedEncoder"/>, which this object owns.</param>
internal sealed record PretrainedBlocks(MahaTransformerOptions Options, IReadOnlyDictionary<string, Tensor> Weights) : IDisposable
{
    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var weight in Weights.Values)
            weight.Dispose();
    }
}
