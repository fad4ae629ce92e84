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
    private const string StepsName = "steps";

    /// <summary>Updates every parameter that has a gradient.</summary>
    public override Tensor step(Func<Tensor>? closure = null) => _step<ParamGroup>(Update, closure);

    /// <summary>Returns the moments of parameters, by their places, and the numbers of steps.</summary>
    public IReadOnlyDictionary<string, Tensor> Moments(IReadOnlyList<Parameter> parameters)
    {
        var moments = new Dictionary<string, Tensor> { [StepsName] = tensor(parameters.Select(parameter => StateOf(parameter).step).ToArray()) };
        foreach (var (name, moment) in NamedMoments(parameters))
            moments.Add(name, moment);
        return moments;
    }

    /// <summary>Sets what <see cref="Moments"/> returned.</summary>
    public void Restore(IReadOnlyList<Parameter> parameters, IReadOnlyDictionary<string, Tensor> moments)
    {
        using var scope = NewDisposeScope();
        var steps = zeros(parameters.Count, ScalarType.Int64);
        moments.CopyTo(NamedMoments(parameters).Append((StepsName, steps)).ToDictionary(entry => entry.Item1, entry => entry.Item2));
        long[] counts = steps.data<long>().ToArray();
        for (int i = 0; i < counts.Length; i++)
            StateOf(parameters[i]).step = counts[i];
    }

    private IEnumerable<(string Name, Tensor Moment)> NamedMoments(IReadOnlyList<Parameter> parameters) => parameters.SelectMany<Parameter, (string, Tensor)>(
        (parameter, i) => [($"means.{i}", StateOf(parameter).exp_avg), ($"squares.{i}", StateOf(parameter).exp_avg_sq)]);

    private State StateOf(Parameter parameter) => (State)_state[parameter.Handle];

    private void Update(ParamGroup group)
    {
        var options = (Options)group.Options;
        foreach (var parameter in group.Parameters)
        {
            if (parameter.grad is not { } gradient)
                continue;
            var state = StateOf(parameter);
            state.step++;
            AdamWUpdate.Apply(
                parameter, gradient, state.exp_avg, state.exp_avg_sq, state.step, options.LearningRate!.Value, options.weight_decay!.Value,
                options.beta1!.Value, options.beta2!.Value, options.eps!.Value);
        }
    }
}
