using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// TorchSharp's <see cref="AdamW"/>, bit for bit, with a step that keeps its Scalars alive during the native calls (see eng/ScalarKeeper).
/// TorchSharp's own step creates eight Scalars per parameter, millions in a training, and the garbage collector may free one of them
/// during a native call. State and options are those of the base class.
/// </summary>
/// <remarks>
/// See <see cref="AdamWUpdate"/>. The options amsgrad and maximize, which the trainer does not use, are not implemented.
/// </remarks>
internal sealed class ScalarKeepingAdamW(IEnumerable<AdamW.ParamGroup> groups, double learningRate) : AdamW(groups, learningRate)
{
    /// <summary>Updates every parameter that has a gradient.</summary>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(Update, closure);

    private void Update(ParamGroup group)
    {
        var options = (Options)group.Options;
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient)
                continue;
            var state = (State)_state[parameter.Handle];
            state.step++;
            AdamWUpdate.Apply(
                parameter, gradient, state.exp_avg, state.exp_avg_sq, state.step, options.LearningRate!.Value, options.weight_decay!.Value,
                options.beta1!.Value, options.beta2!.Value, options.eps!.Value);
        }
    }
}
