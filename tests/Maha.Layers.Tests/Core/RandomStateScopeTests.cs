using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

[Collection(AloneCollection.Name)]
public class RandomStateScopeTests
{
    [Fact]
    public void SavedState_IsRestored()
    {
        using var scope = new RandomStateScope(3);
        using var state = random.get_rng_state();
        double[] first = Draw();
        RandomStateScope.Restore(state);
        Assert.Equal(first, Draw());
    }

    // libtorch ends the process on each of these: the numbers left, the flag of a seeded state, the next number, and the size.
    [Theory]
    [InlineData(8, 0)]
    [InlineData(8, 625)]
    [InlineData(12, 0)]
    [InlineData(16, 625)]
    [InlineData(16, -1)]
    [InlineData(-1, 0)]
    public void StateThatIsDamaged_IsRefused(int offset, int value)
    {
        using var scope = new RandomStateScope(3);
        using var state = random.get_rng_state();
        byte[] bytes = state.data<byte>().ToArray();
        if (offset >= 0)
            BitConverter.GetBytes(value).CopyTo(bytes, offset);
        using var damaged = tensor(offset >= 0 ? bytes : bytes[1..], dtype: ScalarType.Byte);
        Assert.Throws<ArgumentException>(() => RandomStateScope.Restore(damaged));
        using var after = random.get_rng_state();
        Assert.Equal(state.data<byte>().ToArray(), after.data<byte>().ToArray());
    }

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
