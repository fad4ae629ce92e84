using static TorchSharp.torch;

namespace Maha.Layers.Swap;

/// <summary>Switches dropout off, and on again at the end where it was on.</summary>
internal sealed class EvaluationMode : IDisposable
{
    private readonly nn.Module _module;
    private readonly bool _wasTraining;

    public EvaluationMode(nn.Module module)
    {
        (_module, _wasTraining) = (module, module.training);
        module.eval();
    }

    public void Dispose() => _module.train(_wasTraining);
}
