using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// Trains float32 parameters on a CUDA device. During the training they are views of one tensor, so that a step of the optimizer is a few launches.
/// </summary>
internal sealed class FlatParameterOptimizer : FlatWeightOptimizer
{
    private bool _isFlat;

    /// <inheritdoc/>
    public FlatParameterOptimizer(nn.Module module, IReadOnlyList<ParameterGroup> groups) : base(module, groups)
    {
    }

    /// <summary>Returns an optimizer; null where the parameters are not float32 on one CUDA device.</summary>
    /// <param name="module">The module.</param>
    /// <param name="groups">The parameters to train.</param>
    public static FlatParameterOptimizer? TryCreate(nn.Module module, IReadOnlyList<ParameterGroup> groups)
    {
        var parameters = groups.SelectMany(group => group.Parameters).Select(entry => entry.Parameter).ToList();
        var first = parameters[0];
        return first.device_type == DeviceType.CUDA
            && parameters.All(parameter =>
                parameter.dtype == ScalarType.Float32 && parameter.device_type == DeviceType.CUDA && parameter.device_index == first.device_index)
            ? new FlatParameterOptimizer(module, groups) : null;
    }

    public override void Begin()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        Module.zero_grad();
        var parameters = Module.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        Parameters = [.. Trained.Select(entry => parameters[entry.Name])];
        for (int i = 0; i < Trained.Length; i++)
        {
            var place = Optimizer.ViewOf(Optimizer.Values, i).view(Trained[i].Shape);
            place.copy_(Parameters[i]);
            Parameters[i].set_(place);
        }
        _isFlat = true;
    }

    public override void End()
    {
        Module.zero_grad();
        if (!_isFlat)
            return;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var parameter in Parameters)
            parameter.set_(parameter.detach().clone());
        _isFlat = false;
    }

    public override void Restore(IReadOnlyDictionary<string, Tensor> weights, IReadOnlyDictionary<string, Tensor> moments)
    {
        using var guard = no_grad();
        // The parameters are views, so that this sets the values of the optimizer.
        weights.CopyTo(State());
        Optimizer.Restore(moments);
    }

    public override Tensor TryStep(double maxNorm, double learningRate, Tensor losses) =>
        Optimizer.HasKernels ? Optimizer.ClipAndStep(maxNorm, learningRate, losses, rounded: null) : base.TryStep(maxNorm, learningRate, losses);

    public override void Step(double learningRate) => Optimizer.Step(learningRate);
}
