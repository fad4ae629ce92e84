using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class ScopeTests
{
    private static Module<Tensor, Tensor> Model() => Sequential(Linear(6, 5), GELU(), LayerNorm(5), Dropout(), Linear(5, 4));

    private static void TrainingStep(Module<Tensor, Tensor> model, Optimizer optimizer)
    {
        using var scope = NewDisposeScope();
        optimizer.zero_grad();
        Tensor loss = functional.cross_entropy(model.call(randn(3, 6)), tensor(new long[] { 0, 1, 2 }));
        loss.backward();
        nn.utils.clip_grad_norm_(model.parameters(), 1);
        optimizer.step();
    }

    private static long LiveTensors()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }

    [Fact]
    public void LayersMadeInAScope_OutliveIt()
    {
        Module<Tensor, Tensor> model;
        using (NewDisposeScope()) model = Sequential(Linear(3, 2), LayerNorm(2), Conv1d(1, 1, 1), Embedding(2, 2));

        Assert.Equal(7, model.parameters().Count());
        Assert.All(model.parameters(), p => Assert.False(p.IsInvalid));
        model.Dispose();
    }

    [Fact]
    public void ModelsMovedInAScope_OutliveIt()
    {
        using Module<Tensor, Tensor> model = Model();
        using (NewDisposeScope()) model.to(ScalarType.Float64);

        Assert.All(model.parameters(), p => Assert.Equal(ScalarType.Float64, p.dtype));
        using Tensor y = model.call(zeros(1, 6, dtype: ScalarType.Float64));
    }

    [Fact]
    public void OwnParametersMadeInAScope_DieWithIt_AsInTorchSharp()
    {
        Parameter parameter;
        using (NewDisposeScope()) parameter = new Parameter(ones(1));

        Assert.True(parameter.IsInvalid);
    }

    [Fact]
    public void TrainingSteps_LeaveNoTensorsBehind()
    {
        using Module<Tensor, Tensor> model = Model();
        using AdamW optimizer = optim.AdamW(model.parameters(), weight_decay: 0.1, amsgrad: true);
        TrainingStep(model, optimizer);
        long before = LiveTensors();
        DisposeScopeManager.Statistics.Reset();

        for (int i = 0; i < 5; i++) TrainingStep(model, optimizer);

        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(0, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void ModelAndOptimizer_GiveBackEveryTensor()
    {
        long before = LiveTensors();
        var model = Model();
        var optimizer = optim.SGD(model.parameters(), 0.1, momentum: 0.9);
        TrainingStep(model, optimizer);
        // Six parameters and their momentum buffers; the gradients belong to libtorch.
        Assert.Equal(before + 12, LiveTensors());

        optimizer.Dispose();
        model.Dispose();

        Assert.Equal(before, LiveTensors());
    }

    [Fact]
    public void Sequential_DisposesWhatLiesBetween()
    {
        using Module<Tensor, Tensor> model = Model();
        using Tensor input = randn(3, 6);
        long before = LiveTensors();

        using (no_grad())
        using (Tensor output = model.call(input))
            Assert.Equal(before + 1, Tensor.TotalCount);
    }

    [Fact]
    public void SavingAndLoading_LeaveNoTensorsBehind()
    {
        using Module<Tensor, Tensor> model = Model();
        long before = LiveTensors();
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);

        model.save(writer);
        writer.Flush();
        stream.Position = 0;
        model.load(new BinaryReader(stream));

        Assert.Equal(before, Tensor.TotalCount);
    }
}
