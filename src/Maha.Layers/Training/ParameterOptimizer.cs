using Maha.Layers.Distributed;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Updates the parameters of a module themselves, in their own type, one after the other.</summary>
internal sealed class ParameterOptimizer : WeightOptimizer
{
    private readonly List<(AdamW.ParamGroup Group, double Factor)> _groups;
    private readonly List<Parameter> _parameters;
    private readonly ScalarKeepingAdamW _optimizer;

    public ParameterOptimizer(nn.Module module, IReadOnlyList<ParameterGroup> groups, double learningRate) : base(module)
    {
        _parameters = [.. groups.SelectMany(group => group.Parameters).Select(entry => entry.Parameter)];
        _groups =
        [
            .. groups.Select(group => (
                new AdamW.ParamGroup(group.Parameters.Select(entry => entry.Parameter), lr: learningRate, weight_decay: group.WeightDecay),
                group.LearningRateFactor)),
        ];
        _optimizer = new ScalarKeepingAdamW(_groups.Select(entry => entry.Group), learningRate);
    }

    public override IReadOnlyDictionary<string, Tensor> Moments() => _optimizer.Moments(_parameters);

    public override void Restore(IReadOnlyDictionary<string, Tensor> weights, IReadOnlyDictionary<string, Tensor> moments)
    {
        weights.CopyTo(State());
        _optimizer.Restore(_parameters, moments);
    }

    // Autograd adds up the gradients of the batches in the parameters.
    public override void CollectGradients()
    {
    }

    public override void ScaleGradients(double factor)
    {
        using var guard = no_grad();
        foreach (var parameter in _parameters)
        {
            using var gradient = parameter.grad;
            gradient?.mul_(factor);
        }
    }

    public override void SumGradients(ProcessGroup group, double factor)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var own = _parameters.Select(parameter => parameter.grad).ToArray();
        bool[] isUsed = group.AnyOf([.. own.Select(gradient => gradient is not null)]);
        var gradients = new List<Tensor>();
        for (int i = 0; i < own.Length; i++)
        {
            if (!isUsed[i])
                continue;
            if (own[i] is null)
                _parameters[i].grad = zeros_like(_parameters[i]);
            gradients.Add(own[i] ?? _parameters[i].grad!);
            if (own[i] is not null)
                own[i]!.mul_(factor);
        }
        GradientBuckets.Sum(group, gradients);
    }

    public override double ClipGradients(double maxNorm) => nn.utils.clip_grad_norm_(_parameters, maxNorm);

    public override void Step(double learningRate)
    {
        foreach (var (group, factor) in _groups)
            group.LearningRate = learningRate * factor;
        using var scope = NewDisposeScope();
        _optimizer.step();
        Module.zero_grad();
    }

    public override void Dispose() => _optimizer.Dispose();
}
