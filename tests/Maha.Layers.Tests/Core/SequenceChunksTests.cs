using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

public class SequenceChunksTests
{
    private const int B = 2;
    private const int D = 3;

    [Theory]
    [InlineData(1, 4)]
    [InlineData(4, 4)]
    [InlineData(13, 4)]
    [InlineData(12, 4)]
    public void Chunks_GiveTheWholeSequenceInOrder(int length, int chunkLength)
    {
        using var scope = NewDisposeScope();
        var sequence = arange(B * length * D, dtype: ScalarType.Float64).view(B, length, D);
        var lengths = new List<long>();
        var result = SequenceChunks.Apply(sequence, chunkLength, chunk =>
        {
            lengths.Add(chunk.shape[1]);
            return chunk * 2;
        });
        Assert.Equal(TestTensors.ToArray(sequence * 2), TestTensors.ToArray(result));
        Assert.Equal((length + chunkLength - 1) / chunkLength, lengths.Count);
        Assert.All(lengths, n => Assert.InRange(n, 1, chunkLength));
    }

    [Fact]
    public void ChunkLength_MayDependOnTheStart()
    {
        using var scope = NewDisposeScope();
        var chunks = new List<(long Start, long Count)>();
        var result = SequenceChunks.Apply(10, start => start == 0 ? 1 : 4, (start, count) =>
        {
            chunks.Add((start, count));
            return arange(start, start + count, dtype: ScalarType.Float64).view(1, count);
        });
        Assert.Equal([(0, 1), (1, 4), (5, 4), (9, 1)], chunks);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], TestTensors.ToArray(result));
    }
}
