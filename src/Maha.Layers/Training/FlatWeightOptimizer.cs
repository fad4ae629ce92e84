using Maha.Layers.Distributed;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Trains parameters whose values in float32 lie in one tensor, as do their gradients and moments.</summary>
internal abstract class FlatWeightOptimizer : WeightOptimizer
{
    /// <summary>Creates an optimizer.</summary>
    /// <param name="module">The module, whose trained parameters are float32 on one device.</param>
    /// <param name="groups">The parameters to train.</param>
    protected FlatWeightOptimizer(nn.Module module, IReadOnlyList<ParameterGroup> groups) : base(module)
    {
        Trained = [.. groups.SelectMany(group => group.Parameters).Select(entry => (entry.Name, entry.Parameter.shape))];
        Optimizer = new FlatAdamW(
            groups.Select(group => (group.WeightDecay, group.LearningRateFactor, group.Parameters.Select(entry => entry.Parameter.numel()))),
            groups[0].Parameters[0].Parameter.device);
    }

    /// <summary>The names and shapes of the trained parameters, in the order of <see cref="Optimizer"/>.</summary>
    protected (string Name, long[] Shape)[] Trained { get; }

    /// <summary>The values, gradients and moments.</summary>
    protected FlatAdamW Optimizer { get; }

    /// <summary>The trained parameters of the module, which have the gradients of a backward pass; empty before <see cref="WeightOptimizer.Begin"/>.</summary>
    protected Parameter[] Parameters { get; set; } = [];

    public override IReadOnlyDictionary<string, Tensor> Moments() => Optimizer.Moments();

    public override void CollectGradients()
    {
        using var scope = NewDisposeScope();
        Optimizer.AddGradients([.. Parameters.Select(parameter => parameter.grad)]);
        Module.zero_grad();
    }

    public override void ScaleGradients(double factor) => Optimizer.ScaleGradients(factor);

    public override void SumGradients(ProcessGroup group, double factor) => Optimizer.SumGradients(group, factor);

    public override double ClipGradients(double maxNorm) => Optimizer.ClipGradients(maxNorm);

    public override void Dispose() => Optimizer.Dispose();
}
