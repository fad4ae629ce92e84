using Maha.Layers.Core;
using Maha.TestData;
using static Maha.Layers.Tests.PublicModules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests;

/// <content>Uses that no argument check can see: they may throw, but must not end the process.</content>
public partial class ForwardArgumentTests
{
    [Fact]
    public void NumbersThatAreNotFinite_DoNotEndTheProcess() => ChildProgram.AssertEnds(FeedNumbersThatAreNotFinite);

    [Fact]
    public void BackwardTwice_DoesNotEndTheProcess() => ChildProgram.AssertEnds(RunBackwardTwice);

    [Fact]
    public void WeightsAndInputsThatAreChangedBeforeBackward_DoNotEndTheProcess() => ChildProgram.AssertEnds(ChangeBeforeBackward);

    [Fact]
    public void ModulesThatAreDisposedBeforeBackward_DoNotEndTheProcess() => ChildProgram.AssertEnds(DisposeBeforeBackward);

    [Fact]
    public void SparseGradients_DoNotEndTheProcess() => ChildProgram.AssertEnds(PassSparseGradients);

    private static void FeedNumbersThatAreNotFinite()
    {
        foreach (float value in new[] { float.NaN, float.PositiveInfinity, float.MaxValue })
        {
            ForEachModule((module, slots, inputs) =>
            {
                foreach (var input in inputs.Where(input => input?.is_floating_point() == true))
                    input!.fill_(value);
                foreach (var output in OutputsOf(slots.Forward(inputs)))
                    output.sum().backward();
            });
        }
    }

    private static void RunBackwardTwice() => ForEachModule((module, slots, inputs) =>
    {
        foreach (var output in OutputsOf(slots.Forward(inputs)))
        {
            var sum = output.sum();
            Attempt(() => sum.backward());
            Attempt(() => sum.backward());
        }
    });

    private static void ChangeBeforeBackward() => ForEachModule((module, slots, inputs) =>
    {
        var outputs = OutputsOf(slots.Forward(inputs));
        using (no_grad())
        {
            foreach (var tensor in module.parameters().Concat(inputs.OfType<Tensor>()).Where(tensor => tensor.is_floating_point()))
                tensor.add_(1);
        }
        foreach (var output in outputs)
            Attempt(() => output.sum().backward());
    });

    private static void DisposeBeforeBackward() => ForEachModule((module, slots, inputs) =>
    {
        var outputs = OutputsOf(slots.Forward(inputs));
        module.Dispose();
        foreach (var output in outputs)
            Attempt(() => output.sum().backward());
    });

    private static void PassSparseGradients() => ForEachModule((module, slots, inputs) =>
    {
        foreach (var output in OutputsOf(slots.Forward(inputs)))
        {
            var gradient = ones_like(output).to_sparse();
            Attempt(() => autograd.backward([output], [gradient]));
        }
    });

    private static void ForEachModule(Action<nn.Module, Inputs, Tensor?[]> use)
    {
        foreach (var (name, create) in All)
        {
            using var scope = NewDisposeScope();
            var module = create();
            var slots = Slots(name, module);
            // What is printed last names the module that ended the process.
            Console.WriteLine(name);
            Attempt(() => use(module, slots, [.. slots.Right.Select(input => input?.clone())]));
            module.Dispose();
        }
    }

    // The tensors of a result, such as logits and features, that have gradients.
    private static List<Tensor> OutputsOf(object result) => result is Tensor tensor
        ? [tensor]
        : [.. result.GetType().GetProperties().Where(property => property.PropertyType == typeof(Tensor) && property.GetIndexParameters().Length == 0)
            .Select(property => (Tensor?)property.GetValue(result)).OfType<Tensor>().Where(tensor => tensor.requires_grad)];

    private static void Attempt(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            Console.WriteLine($"  {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")[..Math.Min(120, e.Message.Length)]}");
        }
        finally
        {
            // A failure of a custom backward pass is kept for the next call.
            try
            {
                BackwardPass.Run(zeros(1, requires_grad: true).sum());
            }
            catch (Exception)
            {
            }
        }
    }
}
