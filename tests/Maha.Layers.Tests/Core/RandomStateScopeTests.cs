using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

[Collection(AloneCollection.Name)]
public class RandomStateScopeTests
{
    [Fact]
    public void SeedScope_DrawsUnderItsSeed_AndRestoresTheState()
    {
        using var start = random.get_rng_state();
        double[] without = Draw();

        random.set_rng_state(start);
        double[] first, second, other;
        using (new RandomStateScope(5))
            first = Draw();
        using (new RandomStateScope(5))
        {
            using (new RandomStateScope(6))
                other = Draw();
            second = Draw();
        }
        double[] with = Draw();

        Assert.Equal(without, with);
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
        Assert.NotEqual(first, without);
    }

    [Fact]
    public void Scope_OutlivesDisposeScopes_AndFreesItsTensor()
    {
        long before = TestTensors.CountLive();
        RandomStateScope scope;
        using (NewDisposeScope())
            scope = new RandomStateScope(5);
        scope.Dispose();
        scope.Dispose();
        TestTensors.AssertLiveAtMost(before);
    }

    private static double[] Draw()
    {
        using var numbers = rand(100, dtype: ScalarType.Float64);
        return TestTensors.ToArray(numbers);
    }
}
