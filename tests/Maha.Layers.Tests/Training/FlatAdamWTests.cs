using Maha.Layers.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

public class FlatAdamWTests
{
    // Two groups; sizes below, at and above the alignment, and one that is large enough for several threads.
    private static readonly long[][] s_sizes = [[1, 63, 64, 65, 70_001], [5, 128, 1000]];
    private static readonly double[] s_decays = [0.1, 0];
    private static readonly double[] s_factors = [1, 0.25];

    [Fact]
    public void Steps_AreThoseOfEachParameterAlone_BitForBit() => Compare((_, _) => true);

    [Fact]
    public void ParametersWithoutAGradient_AreLeftOut_BitForBit()
        => Compare((step, parameter) => step % 4 == 0 || (step + parameter) % 3 != 0);

    [Fact]
    public void Gradients_AreSummedInFloat32()
    {
        using var optimizer = new FlatAdamW([(0, 1, [3])], CPU);
        using var large = ones(3, dtype: ScalarType.BFloat16);
        // Half a unit in the last place of 1: in bfloat16, 1 plus it is 1.
        using var small = full([3], Math.Pow(2, -9), ScalarType.BFloat16);
        optimizer.AddGradients([large]);
        for (int i = 0; i < 512; i++)
            optimizer.AddGradients([small]);
        Assert.Equal(2 * Math.Sqrt(3), optimizer.ClipGradients(double.PositiveInfinity), 1e-6);
    }

    [Fact]
    public void Clipping_IsThatOfTheParameters()
    {
        using var optimizer = new FlatAdamW([(0, 1, [2, 1])], CPU);
        using var first = tensor(new float[] { 3, 0 });
        using var second = tensor(new float[] { 4 });
        optimizer.AddGradients([first, second]);
        Assert.Equal(5, optimizer.ClipGradients(10), 1e-6);
        Assert.Equal(5, optimizer.ClipGradients(1), 1e-6);
        Assert.Equal(1, optimizer.ClipGradients(1), 1e-5);
        optimizer.ScaleGradients(0.5);
        Assert.Equal(0.5, optimizer.ClipGradients(1), 1e-5);
    }

    private static void Compare(Func<int, int, bool> hasGradient)
    {
        using var scope = NewDisposeScope();
        int seed = 1;
        Parameter NewParameter(long size) => new(TestTensors.Random(seed++, size).to(ScalarType.Float32));
        var parameters = s_sizes.Select(sizes => sizes.Select(NewParameter).ToList()).ToList();
        var all = parameters.SelectMany(group => group).ToList();
        using var alone = new ScalarKeepingAdamW(
            parameters.Select((group, i) => new AdamW.ParamGroup(group, lr: s_factors[i], weight_decay: s_decays[i])), 1);
        using var flat = new FlatAdamW(s_sizes.Select((sizes, i) => (s_decays[i], s_factors[i], sizes.AsEnumerable())), CPU);
        using (no_grad())
        {
            for (int p = 0; p < all.Count; p++)
                flat.ViewOf(flat.Values, p).copy_(all[p]);
        }
        for (int step = 0; step < 12; step++)
        {
            using var inner = NewDisposeScope();
            double rate = 0.01 / (1 + step);
            var gradients = all.Select((parameter, p) =>
                hasGradient(step, p) ? (Tensor)(TestTensors.Random(1000 * step + p, parameter.numel()) * 0.1).to(ScalarType.Float32) : null).ToList();
            for (int p = 0; p < all.Count; p++)
                all[p].grad = gradients[p];
            int group = 0;
            foreach (var options in alone.ParamGroups)
                options.LearningRate = rate * s_factors[group++];
            alone.step();
            flat.AddGradients(gradients);
            flat.Step(rate);
        }
        for (int p = 0; p < all.Count; p++)
            Assert.Equal(TestTensors.ToArray(all[p]), TestTensors.ToArray(flat.ViewOf(flat.Values, p)));
    }
}
