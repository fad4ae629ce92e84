using System.Runtime.InteropServices;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.TestData;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

/// <summary>
/// How libtorch may use a custom autograd function, for every such function of the library. A failure ends the process, so each test runs in a process of its
/// own.
/// </summary>
public class DifferentiableFunctionTests
{
    // Sums of up to 256 products of order 1 in float32, in another order.
    private const double Tolerance = 1e-5;

    [Fact]
    public void EveryFunction_IsInTheTable_AndHasTheBase()
    {
        var functions = typeof(MahaBlock).Assembly.GetTypes().Where(type => !type.IsAbstract
            && Bases(type).Any(parent => parent.FullName!.StartsWith("TorchSharp.torch+autograd+Function", StringComparison.Ordinal))).ToList();
        Assert.Equal(functions.Select(type => type.Name).Order(), FunctionCase.All.Keys.Concat(FunctionCase.OnDevice).Select(type => type.Name).Order());
        Assert.All(functions, function => Assert.Contains(Bases(function),
            parent => parent.IsGenericType && parent.GetGenericTypeDefinition() == typeof(DifferentiableFunction<>)));

        static IEnumerable<Type> Bases(Type type)
        {
            for (var parent = type.BaseType; parent is not null; parent = parent.BaseType)
                yield return parent;
        }
    }

    [Fact]
    public void UpstreamGradients_OfAnyLayout_GiveTheSameGradients() => ChildProgram.AssertEnds(Layouts);

    internal static void Layouts() => ForAll((name, function) =>
    {
        Tensor[] upstream = [.. function.Run().Select((output, i) => TestTensors.Random(50 + i, output.shape).to(output.dtype))];
        double[][] expected = Gradients(upstream);
        Near(expected, Gradients([.. upstream.Select(gradient => gradient.dim() < 2 ? gradient : gradient.transpose(0, -1).contiguous().transpose(0, -1))]),
            name + ", strided");
        Near(expected, Gradients([.. upstream.Select(gradient => gradient.dim() == 0 ? gradient : gradient.to_sparse())]), name + ", sparse");
        Near(Gradients([.. upstream.Select(gradient => ones_like(gradient))]),
            Gradients([.. upstream.Select(gradient => ones(Array.Empty<long>(), gradient.dtype).expand(gradient.shape))]), name + ", expanded");

        double[][] Gradients(Tensor[] incoming)
        {
            var outputs = function.Run();
            BackwardPass.RunAll([.. outputs.Where(output => output.requires_grad)], [.. incoming.Where((_, i) => outputs[i].requires_grad)]);
            return function.TakeGradients();
        }
    });

    [Fact]
    public void UnusedAndDisposedOutputs_GetNoGradient() => ChildProgram.AssertEnds(UnusedOutputs);

    internal static void UnusedOutputs() => ForAll((name, function) =>
    {
        int count = function.Run().Length;
        for (int used = 0; used < count && count > 1; used++)
        {
            var outputs = function.Run();
            var loss = outputs[used].sum();
            foreach (var output in outputs)
                output.Dispose();
            BackwardPass.Run(loss);
            double[][] alone = function.TakeGradients();

            var again = function.Run();
            BackwardPass.RunAll(again, [.. again.Select((output, i) => i == used ? ones_like(output) : zeros_like(output))]);
            Near(function.TakeGradients(), alone, $"{name}, output {used} alone");
        }
    });

    [Fact]
    public void InputsDisposedBeforeBackward_AreStillDifferentiated() => ChildProgram.AssertEnds(DisposedInputs);

    internal static void DisposedInputs() => ForAll((name, function) =>
    {
        if (name == nameof(RecomputedBlockFunction))
            return; // needs its block: see DisposedBlock
        BackwardPass.Run(Sum(function.Run()));
        double[][] expected = function.TakeGradients();
        Tensor[] handles = [.. function.Inputs.Select(input => input.view_as(input).detach()), .. function.Inputs.Select(input => input.contiguous())];
        var loss = Sum(function.Run());
        function.Dispose();
        BackwardPass.Run(loss);
        Near(expected,
            [.. handles[function.Inputs.Length..].Select(input => input.grad is null ? new double[input.numel()] : TestTensors.ToArray(input.grad))], name);
    });

    [Fact]
    public void InputChangedInPlaceBeforeBackward_Throws_WhereTheBackwardPassReadsIt() => ChildProgram.AssertEnds(ChangedInputs);

    internal static void ChangedInputs() => ForAll((name, function) =>
    {
        BackwardPass.Run(Sum(function.Run()));
        double[][] expected = function.TakeGradients();
        var loss = Sum(function.Run());
        using (no_grad())
        {
            foreach (var input in function.Inputs)
                input.zero_();
        }
        if (function.KeepsInputs)
        {
            var exception = Assert.Throws<ExternalException>(() => BackwardPass.Run(loss));
            Assert.Contains("modified by an inplace operation", exception.Message, StringComparison.Ordinal);
        }
        else
        {
            BackwardPass.Run(loss);
            Near(expected, function.TakeGradients(), name);
        }
    });

    [Fact]
    public void ExceptionInBackward_StopsTheCallersPass_AndTheNextCallThrowsIt() => ChildProgram.AssertEnds(FailureUnderBackward);

    internal static void FailureUnderBackward() => ForAll((name, function) =>
    {
        // Every function of the library refuses a second derivative, in its backward pass.
        var outputs = Differentiable(function);
        Assert.Throws<ExternalException>(() => autograd.backward(outputs, [.. outputs.Select(output => ones_like(output))], create_graph: true));
        using (no_grad())
            function.Run();
        var told = Assert.Throws<InvalidOperationException>(function.Run);
        Assert.Contains(name, told.Message, StringComparison.Ordinal);
        Assert.Contains("create_graph", Assert.IsType<NotSupportedException>(told.InnerException).Message, StringComparison.Ordinal);
        function.Run();
    });

    [Fact]
    public void ExceptionUnderAutogradGrad_GivesZeros_AndTheNextCallThrows() => ChildProgram.AssertEnds(FailureUnderGrad);

    internal static void FailureUnderGrad() => ForAll((name, function) =>
    {
        var outputs = Differentiable(function);
        // The parameters of the block are not arguments of its function.
        var inputs = name == nameof(RecomputedBlockFunction) ? function.Inputs[..1] : function.Inputs;
        var gradients = autograd.grad(outputs, inputs, [.. outputs.Select(output => ones_like(output))], create_graph: true);
        Assert.All(gradients, gradient => Assert.All(TestTensors.ToArray(gradient), value => Assert.Equal(0, value)));
        Assert.IsType<NotSupportedException>(Assert.Throws<InvalidOperationException>(function.Run).InnerException);
    });

    [Fact]
    public void ExceptionOfOneFunction_ReachesTheCallerUnchanged() => ChildProgram.AssertEnds(Thrown);

    internal static void Thrown()
    {
        using var x = ones(3).requires_grad_();
        var forward = Assert.Throws<ArgumentException>(() => Thrower.Apply(x, inForward: true));
        Assert.Contains(nameof(Thrower.Throw), forward.StackTrace, StringComparison.Ordinal);
        var loss = Thrower.Apply(x, inForward: false).sum();
        var backward = Assert.Throws<ArgumentException>(() => BackwardPass.Run(loss));
        Assert.Contains(nameof(Thrower.Throw), backward.StackTrace, StringComparison.Ordinal);
        Assert.Null(x.grad);

        // A failure is reported once: nothing is left for the next call.
        Assert.NotNull(Thrower.Apply(x, inForward: false));

        // The node of a call that failed is not kept.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(Thrower.SavedByFailedCall!.IsAlive);
    }

    [Fact]
    public void WrongNumberOfGradients_Throws() => ChildProgram.AssertEnds(WrongNumber);

    internal static void WrongNumber()
    {
        using var x = ones(3).requires_grad_();
        var exception = Assert.Throws<InvalidOperationException>(() => BackwardPass.Run(Miscounter.Apply(x).sum()));
        Assert.Contains("1 arguments, but returned 2", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ModelDisposedBeforeBackward_Throws() => ChildProgram.AssertEnds(DisposedModel);

    internal static void DisposedModel()
    {
        foreach (bool recompute in new[] { false, true })
        {
            var encoder = new Maha.Layers.Models.MahaEncoder(
                new() { VocabSize = 11, DModel = 8, NumHeads = 2, NumLayers = 2, MaxSequenceLength = 16, RecomputeBlocks = recompute });
            var loss = encoder.call(TestTensors.RandomIds(1, 11, 2, 9), MixingContext.Unpadded).Features.sum();
            encoder.Dispose();
            if (recompute)
                Assert.ThrowsAny<InvalidOperationException>(() => BackwardPass.Run(loss));
            else
                BackwardPass.Run(loss);
        }
    }

    private static Tensor[] Differentiable(FunctionCase function) => [.. function.Run().Where(output => output.requires_grad)];

    private static Tensor Sum(Tensor[] outputs) => outputs.Select(output => output.to(ScalarType.Float64).sum()).Aggregate((sum, part) => sum + part);

    private static void ForAll(Action<string, FunctionCase> check)
    {
        foreach (var (type, create) in FunctionCase.All)
        {
            Console.WriteLine(type.Name);
            using var scope = NewDisposeScope();
            using var function = create();
            check(type.Name, function);
        }
    }

    private static void Near(double[][] expected, double[][] actual, string what)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = TestTensors.Difference(expected[i], actual[i]);
            Assert.True(difference <= Tolerance, $"{what}, gradient {i}: largest relative difference {difference:g3}, allowed {Tolerance:g3}");
        }
    }

    private sealed class Thrower : SingleOutputFunction<Thrower>
    {
        public static Tensor Apply(Tensor x, bool inForward) => CallSingle(x, inForward);

        public static WeakReference? SavedByFailedCall { get; private set; }

        public static void Throw() => throw new ArgumentException("on purpose");

        protected override Tensor ForwardSingle(autograd.AutogradContext ctx, object[] arguments)
        {
            if ((bool)arguments[1])
            {
                object saved = new();
                SavedByFailedCall = new WeakReference(saved);
                ctx.save_data("saved", saved);
                Throw();
            }
            return ((Tensor)arguments[0]).clone();
        }

        protected override IReadOnlyList<Tensor?> BackwardSingle(autograd.AutogradContext ctx, Tensor gradient)
        {
            Throw();
            return [];
        }
    }

    private sealed class Miscounter : SingleOutputFunction<Miscounter>
    {
        public static Tensor Apply(Tensor x) => CallSingle(x);

        protected override Tensor ForwardSingle(autograd.AutogradContext ctx, object[] arguments) => ((Tensor)arguments[0]).clone();

        protected override IReadOnlyList<Tensor?> BackwardSingle(autograd.AutogradContext ctx, Tensor gradient) => [null, null];
    }
}
