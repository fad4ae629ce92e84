using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// Trains a module of float32 weights that computes in a type of lower precision (Micikevicius et al., "Mixed Precision Training",
/// arXiv 1710.03740): gradients are summed in float32, AdamW updates float32 weights, the masters, and every step rounds these to the
/// weights of the module. Updates below the precision of the module so add up.
/// </summary>
/// <remarks>
/// The masters lie in one tensor, as do their gradients and moments, and during the training the parameters of the module are views of one
/// tensor of the lower type. So the rounding of all parameters is one operation.
/// </remarks>
internal sealed class MasterWeightOptimizer : FlatWeightOptimizer
{
    private readonly ScalarType _computeType;
    private readonly Tensor _rounded;

    // The exact weights by name: views of the masters, and the frozen parameters and the buffers as they were.
    private readonly Dictionary<string, Tensor> _exact = [];
    private bool _isConverted;

    /// <summary>Creates an optimizer. <see cref="Begin"/> converts the module.</summary>
    /// <param name="module">The module, whose floating-point weights are float32 on one device.</param>
    /// <param name="groups">The parameters to train.</param>
    /// <param name="computeType">The type that the module computes in.</param>
    /// <exception cref="ArgumentException">The module has weights of another type, or weights that several of its parts share.</exception>
    public MasterWeightOptimizer(nn.Module module, IReadOnlyList<ParameterGroup> groups, ScalarType computeType) : base(Convertible(module, computeType), groups)
    {
        _computeType = computeType;
        _rounded = empty(Optimizer.Values.shape, computeType, Optimizer.Values.device).DetachFromDisposeScope();
    }

    /// <summary>Checks that all floating-point weights of a module are float32.</summary>
    /// <param name="module">The module.</param>
    /// <param name="computeType">The value of the option, for the message.</param>
    /// <exception cref="ArgumentException">A weight has another type.</exception>
    public static void RequireFloat32(nn.Module module, ScalarType computeType)
    {
        foreach (var (name, weight) in FloatingWeights(module))
        {
            if (weight.dtype != ScalarType.Float32)
            {
                throw new ArgumentException(
                    $"The floating-point weights of the module must be Float32 where {nameof(TrainingOptions.ComputeType)} is {computeType}, but " +
                    $"'{name}' is {weight.dtype}. Convert the module with to(ScalarType.Float32), or use null for {nameof(TrainingOptions.ComputeType)}.",
                    nameof(module));
            }
        }
    }

    public override void Begin()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var weights = FloatingWeights(Module);
        for (int i = 0; i < Trained.Length; i++)
        {
            var master = Optimizer.ViewOf(Optimizer.Values, i).view(Trained[i].Shape);
            master.copy_(weights[Trained[i].Name]);
            _exact.Add(Trained[i].Name, master.DetachFromDisposeScope());
        }
        // An alias keeps the numbers when the conversion frees the weight.
        foreach (var (name, weight) in weights.Where(entry => !_exact.ContainsKey(entry.Key)))
            _exact.Add(name, weight.detach().DetachFromDisposeScope());

        _isConverted = true;
        Module.zero_grad();
        Module.to(_computeType);
        var parameters = Module.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        Parameters = [.. Trained.Select(entry => parameters[entry.Name])];
        for (int i = 0; i < Trained.Length; i++)
            Parameters[i].set_(Optimizer.ViewOf(_rounded, i).view(Trained[i].Shape));
        _rounded.copy_(Optimizer.Values);
    }

    public override void End()
    {
        Module.zero_grad();
        if (!_isConverted)
            return;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        KeepChangedBuffers();
        Module.to(ScalarType.Float32);
        foreach (var (name, weight) in FloatingWeights(Module))
            weight.copy_(_exact[name]);
        _isConverted = false;
    }

    public override IReadOnlyDictionary<string, Tensor> State()
    {
        KeepChangedBuffers();
        return ModuleWeights.StateOf(Module).ToDictionary(entry => entry.Key, entry => _exact.GetValueOrDefault(entry.Key, entry.Value));
    }

    public override void Restore(IReadOnlyDictionary<string, Tensor> weights, IReadOnlyDictionary<string, Tensor> moments)
    {
        using var guard = no_grad();
        weights.CopyTo(ModuleWeights.StateOf(Module));
        // The masters are views, so that this sets the values of the optimizer.
        weights.CopyTo(_exact);
        _rounded.copy_(Optimizer.Values);
        Optimizer.Restore(moments);
    }

    public override Tensor TryStep(double maxNorm, double learningRate, Tensor losses) =>
        Optimizer.HasKernels ? Optimizer.ClipAndStep(maxNorm, learningRate, losses, _rounded) : base.TryStep(maxNorm, learningRate, losses);

    public override void Step(double learningRate)
    {
        using var guard = no_grad();
        Optimizer.Step(learningRate);
        _rounded.copy_(Optimizer.Values);
    }

    public override void Dispose()
    {
        foreach (var weight in _exact.Values)
            weight.Dispose();
        _exact.Clear();
        _rounded.Dispose();
        base.Dispose();
    }

    // A buffer that the module itself has changed, such as a running mean, is no longer the rounded one.
    private void KeepChangedBuffers()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, buffer) in Module.named_buffers())
        {
            if (_exact.TryGetValue(name, out var exact) && !exact.to(buffer.dtype).eq(buffer).all().item<bool>())
                exact.copy_(buffer);
        }
    }

    private static Dictionary<string, Tensor> FloatingWeights(nn.Module module) =>
        module.named_parameters().Select(entry => (entry.name, weight: (Tensor)entry.parameter))
            .Concat(module.named_buffers().Select(entry => (entry.name, weight: entry.buffer)))
            .Where(entry => entry.weight.is_floating_point())
            .ToDictionary(entry => entry.name, entry => entry.weight);

    private static nn.Module Convertible(nn.Module module, ScalarType computeType)
    {
        RequireFloat32(module, computeType);
        // TorchSharp converts the weights of a part and disposes the former ones, which another part would go on using.
        var owners = new Dictionary<nint, nn.Module>();
        foreach (var part in module.modules().Append(module))
        {
            foreach (var (name, parameter) in part.named_parameters(recurse: false))
            {
                if (!owners.TryAdd(parameter.Handle, part) && owners[parameter.Handle] != part)
                {
                    throw new ArgumentException(
                        $"Every parameter must belong to one part of the module where {nameof(TrainingOptions.ComputeType)} is {computeType}, but " +
                        $"'{name}' of {part.GetName()} also belongs to {owners[parameter.Handle].GetName()}. Use null for " +
                        $"{nameof(TrainingOptions.ComputeType)}, or register the parameter once.", nameof(module));
                }
            }
        }
        return module;
    }
}
