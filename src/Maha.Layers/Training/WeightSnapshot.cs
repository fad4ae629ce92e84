using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>A copy in CPU memory of the weights of a module: its parameters and persistent buffers.</summary>
internal sealed class WeightSnapshot : IDisposable
{
    private readonly Dictionary<string, Tensor> _copies = [];

    /// <summary>The copies by the names of the weights; empty before the first capture.</summary>
    public IReadOnlyDictionary<string, Tensor> Copies => _copies;

    /// <summary>Copies the weights of a module.</summary>
    /// <param name="state">The weights by their names in the state of the module.</param>
    public void Capture(IReadOnlyDictionary<string, Tensor> state)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, tensor) in state)
        {
            if (_copies.TryGetValue(name, out var copy))
                copy.copy_(tensor);
            else
                _copies.Add(name, tensor.detach().to(CPU, copy: true).DetachFromDisposeScope());
        }
    }

    /// <summary>Copies the captured weights back to the module.</summary>
    public void Restore(nn.Module module)
    {
        using var guard = no_grad();
        foreach (var (name, tensor) in ModuleWeights.StateOf(module))
            tensor.copy_(_copies[name]);
    }

    public void Dispose()
    {
        foreach (var copy in _copies.Values)
            copy.Dispose();
        _copies.Clear();
    }
}
