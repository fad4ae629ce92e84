using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// TorchSharp's <see cref="AdamW"/>, number for number, with a step whose Scalars stay alive during the native calls (eng/ScalarKeeper): TorchSharp's own makes eight per parameter and step,
/// and a training makes millions of steps' worth. State and options are those of the base class.
/// </summary>
/// <remarks>Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm 2. Neither amsgrad nor maximize, which nothing here asks for.</remarks>
internal sealed class KeptAdamW(IEnumerable<AdamW.ParamGroup> groups, double learningRate) : AdamW(groups, learningRate)
{
    /// <summary>Updates every parameter that has a gradient.</summary>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(Update, closure);

    private void Update(ParamGroup group)
    {
        var options = (Options)group.Options;
        double rate = options.LearningRate!.Value, beta1 = options.beta1!.Value, beta2 = options.beta2!.Value;
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient)
                continue;
            var state = (State)_state[parameter.Handle];
            state.step++;
            parameter.mul_(1 - (rate * options.weight_decay!.Value));
            state.exp_avg.mul_(beta1).add_(gradient, alpha: 1 - beta1);
            state.exp_avg_sq.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
            var scale = (state.exp_avg_sq.sqrt() / Math.Sqrt(1 - Math.Pow(beta2, state.step))).add_(options.eps!.Value);
            parameter.addcdiv_(state.exp_avg, scale, value: -rate / (1 - Math.Pow(beta1, state.step)));
        }
    }
}
