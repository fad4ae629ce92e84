using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class ThreadTests
{
    private const int Threads = 8;

    private static void OnEveryThread(Action<int> body)
    {
        var errors = new Exception?[Threads];
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            try
            {
                body(i);
            }
            catch (Exception e)
            {
                errors[i] = e;
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.All(errors, e => Assert.True(e is null, e?.ToString()));
    }

    [Fact]
    public void ModelsOnManyThreads_TrainAsOnOne()
    {
        using Linear reference = Linear(4, 3, dtype: ScalarType.Float64);
        Dictionary<string, Tensor> start = reference.state_dict();
        double[] Train()
        {
            using Linear model = Linear(4, 3, dtype: ScalarType.Float64);
            model.load_state_dict(start);
            using AdamW optimizer = optim.AdamW(model.parameters(), 0.01);
            for (int i = 0; i < 50; i++)
            {
                using var scope = NewDisposeScope();
                optimizer.zero_grad();
                functional.mse_loss(model.call(tensor(Numbers.Sequence(8, i), [2L, 4L])), zeros(2, 3, dtype: ScalarType.Float64)).backward();
                optimizer.step();
            }
            return Numbers.Of(model.weight);
        }
        double[] expected = Train();
        var results = new double[Threads][];

        OnEveryThread(i => results[i] = Train());

        Assert.All(results, r => Assert.Equal(expected, r));
    }

    [Fact]
    public void OneModel_AnswersManyThreadsAtOnce()
    {
        using var model = Sequential(Linear(16, 16), GELU(), LayerNorm(16), Linear(16, 2));
        model.eval();
        Tensor[] inputs = [.. Enumerable.Range(0, Threads).Select(_ => randn(5, 16))];
        double[][] expected = [.. inputs.Select(x => Numbers.Of(model.call(x)))];

        OnEveryThread(i =>
        {
            using var guard = no_grad();
            for (int k = 0; k < 100; k++)
            {
                using var scope = NewDisposeScope();
                Assert.Equal(expected[i], Numbers.Of(model.call(inputs[i])));
            }
        });
    }

    [Fact]
    public void GradientModeAndScopes_BelongToTheirThread()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();

        OnEveryThread(_ =>
        {
            using var weight = new Parameter(ones(1));
            using Tensor y = weight * 2;
            Assert.True(y.requires_grad);
            Assert.Equal(0, DisposeScopeManager.Statistics.CreatedInScopeCount);
        });
    }

}
