using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class FailureTests
{
    [Fact]
    public void WrongShapes_AreExceptionsWithTheShapes()
    {
        using var layer = Linear(3, 2);

        Assert.Contains("3", Assert.Throws<ExternalException>(() => layer.call(zeros(1, 4))).Message);
        Assert.Throws<ExternalException>(() => LayerNorm(5).call(zeros(2, 4)));
        Assert.Throws<ExternalException>(() => functional.cross_entropy(zeros(2, 3), zeros(4, dtype: ScalarType.Int64)));
    }

    [Fact]
    public void WrongTypes_AreExceptions()
    {
        using var layer = Linear(3, 2);
        using var table = Embedding(4, 2);

        Assert.Throws<ExternalException>(() => layer.call(zeros(1, 3, dtype: ScalarType.Float64)));
        Assert.Throws<ExternalException>(() => table.call(zeros(2)));
        Assert.Throws<ExternalException>(() => new Parameter(zeros(2, dtype: ScalarType.Int64)));
    }

    [Fact]
    public void IndexOutsideTheTable_IsAnException() => Assert.ThrowsAny<Exception>(() => Embedding(4, 2).call(tensor(new long[] { 4 })));

    [Fact]
    public void DisposedLayers_RefuseTheirWork()
    {
        var layer = Linear(3, 2);
        layer.Dispose();
        var norm = LayerNorm(3);
        norm.Dispose();

        Assert.Throws<InvalidOperationException>(() => layer.call(zeros(1, 3)));
        Assert.Throws<InvalidOperationException>(() => norm.call(zeros(1, 3)));
        Assert.Empty(layer.parameters());
        layer.Dispose();
    }

    [Fact]
    public void DisposedInput_IsAnException()
    {
        using var layer = Linear(3, 2);
        Tensor x = zeros(1, 3);
        x.Dispose();

        Assert.Throws<InvalidOperationException>(() => layer.call(x));
    }

    [Fact]
    public void OptimizerOfDisposedParameters_Refuses()
    {
        var layer = Linear(3, 2);
        using AdamW optimizer = optim.AdamW(layer.parameters());
        layer.Dispose();

        Assert.Throws<InvalidOperationException>(() => optimizer.step());
        Assert.Throws<InvalidOperationException>(optimizer.zero_grad);
    }

    [Fact]
    public void DisposedScope_Refuses()
    {
        DisposeScope scope = NewDisposeScope();
        scope.Dispose();
        using Tensor t = zeros(1);

        Assert.Throws<ObjectDisposedException>(() => scope.Attach(t));
    }

    [Fact]
    public void ProcessSurvivesManyFailures()
    {
        using var layer = Linear(3, 2);
        long before = Tensor.TotalCount;
        for (int i = 0; i < 20; i++)
        {
            using var scope = NewDisposeScope();
            Assert.Throws<ExternalException>(() => layer.call(zeros(1, 4)));
        }

        using Tensor x = zeros(1, 3), y = layer.call(x);
        Assert.Equal([1L, 2L], y.shape);
        Assert.InRange(Tensor.TotalCount, 0, before + 2);
    }
}
