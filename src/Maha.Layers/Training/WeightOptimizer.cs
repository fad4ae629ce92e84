using Maha.Layers.Distributed;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Collects the gradients of a module's parameters over the batches of a step, and updates the parameters.</summary>
internal abstract class WeightOptimizer(nn.Module module) : IDisposable
{
    private bool _isStopped;

    /// <summary>The module that is trained.</summary>
    protected nn.Module Module { get; } = module;

    /// <summary>Creates the optimizer of a training.</summary>
    /// <param name="task">The task, with the module to train.</param>
    /// <param name="options">The options of the training.</param>
    /// <exception cref="ArgumentException">The module has no parameters to train, or weights that the options do not fit.</exception>
    public static WeightOptimizer Create(ITrainingTask task, TrainingOptions options)
    {
        var groups = ParameterGroups.Create(task.Module, options.WeightDecay, task as ILearningRateFactors);
        if (groups.Count == 0)
        {
            throw new ArgumentException(
                $"The module of the task must have parameters that require gradients, but {task.Module.GetName()} has none. " +
                "Register its parts, or unfreeze some.", nameof(task));
        }
        if (options.ComputeType is ScalarType computeType)
            MasterWeightOptimizer.RequireFloat32(task.Module, computeType);
        if (options.ComputeType is ScalarType.BFloat16)
            return new MasterWeightOptimizer(task.Module, groups, ScalarType.BFloat16);
        return FlatParameterOptimizer.TryCreate(task.Module, groups) ?? (WeightOptimizer)new ParameterOptimizer(task.Module, groups, options.LearningRate);
    }

    /// <summary>
    /// Clips the gradients of the step and updates the parameters, unless the norm of the gradients or a loss is not finite. Once one is not, this and all later
    /// calls update nothing.
    /// </summary>
    /// <param name="maxNorm">The maximum norm of all gradients together.</param>
    /// <param name="learningRate">The learning rate of groups with the factor 1.</param>
    /// <param name="losses">The losses of the step, [K] of Float32 on the device of the parameters.</param>
    /// <returns>[K + 1] of Float32: the losses, and the norm before the scaling. An optimizer with kernels for its device returns before the device is done.</returns>
    public virtual Tensor TryStep(double maxNorm, double learningRate, Tensor losses)
    {
        using var scope = NewDisposeScope();
        double norm = ClipGradients(maxNorm);
        _isStopped |= !double.IsFinite(norm) || !losses.isfinite().all().item<bool>();
        if (!_isStopped)
            Step(learningRate);
        return cat([losses, full([1], norm, ScalarType.Float32, losses.device)]).MoveToOuterDisposeScope();
    }

    /// <summary>Prepares the module for the training. <see cref="End"/> must follow, also after an exception.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>Ends the training: the module has no gradients, and the weights of <see cref="State"/>.</summary>
    public virtual void End() => Module.zero_grad();

    /// <summary>Returns the weights by their names in the state of the module. The tensors are those of the training, not copies.</summary>
    public virtual IReadOnlyDictionary<string, Tensor> State() => ModuleWeights.StateOf(Module);

    /// <summary>Returns the moments and the numbers of steps by name. The caller's dispose scope has the tensors that are made for it.</summary>
    public abstract IReadOnlyDictionary<string, Tensor> Moments();

    /// <summary>Goes on from a state. The module must be prepared by <see cref="Begin"/>.</summary>
    /// <param name="weights">What <see cref="State"/> returned.</param>
    /// <param name="moments">What <see cref="Moments"/> returned.</param>
    /// <exception cref="WeightFileException">The tensors are not those of this training.</exception>
    public abstract void Restore(IReadOnlyDictionary<string, Tensor> weights, IReadOnlyDictionary<string, Tensor> moments);

    /// <summary>Adds the gradients of a backward pass to those of the step.</summary>
    public abstract void CollectGradients();

    /// <summary>Multiplies the gradients of the step by a factor.</summary>
    public abstract void ScaleGradients(double factor);

    /// <summary>Multiplies the gradients of the step by a factor, and replaces them by their sums over all processes.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="factor">The factor of this process; 0 where it has collected no gradients.</param>
    public abstract void SumGradients(ProcessGroup group, double factor);

    /// <summary>Scales the gradients of the step down to a maximum norm.</summary>
    /// <returns>The norm of all gradients together before the scaling.</returns>
    public abstract double ClipGradients(double maxNorm);

    /// <summary>Updates the parameters that have a gradient, and clears the gradients.</summary>
    /// <param name="learningRate">The learning rate of groups with the factor 1.</param>
    public abstract void Step(double learningRate);

    /// <inheritdoc/>
    public abstract void Dispose();
}
