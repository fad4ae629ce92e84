using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// TorchSharp's <see cref="AdamW"/>, bit for bit, with a step that keeps its Scalars alive during the native calls (see eng/ScalarKeeper).
/// TorchSharp's own step creates eight Scalars per parameter, millions in a training, and the garbage collector may free one of them
/// during a native call. State and options are those of the base class.
/// </summary>
/// <remarks>
/// Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm 2. The options amsgrad and maximize, which
/// the trainer does not use, are not implemented.
/// </remarks>
internal sealed class ScalarKeepingAdamW(IEnumerable<AdamW.ParamGroup> groups, double learningRate) : AdamW(groups, learningRate)
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
