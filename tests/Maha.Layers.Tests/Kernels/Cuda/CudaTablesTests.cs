using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Kernels.Cuda;

public sealed class CudaTablesTests
{
    [Fact]
    public void EqualNumbers_ShareATable()
    {
        var first = CudaTables.Get([3, 1, 4], CPU);
        Assert.Same(first, CudaTables.Get([3, 1, 4], CPU));
        Assert.NotSame(first, CudaTables.Get([3, 1, 5], CPU));
        Assert.Equal([3, 1, 4], first.data<int>().ToArray());
    }

    [Fact]
    public void Tables_OutliveTheScopeOfTheirCaller()
    {
        Tensor table;
        using (NewDisposeScope())
            table = CudaTables.Get([7, 7, 7, 2], CPU);
        Assert.False(table.IsInvalid);
        Assert.Equal(2, table[3].item<int>());
    }

    [Fact]
    public void Floats_KeepTheirBits() =>
        Assert.Equal([BitConverter.SingleToInt32Bits(0.1f), BitConverter.SingleToInt32Bits(-2)], CudaTables.Get([0.1f, -2f], CPU).data<int>().ToArray());

    [Fact]
    public void Memory_IsDividedInAlignedParts()
    {
        var memory = new CudaMemory(1024);
        Assert.Equal(1024, memory.Take(5));
        Assert.Equal(0, memory.Take(100, isNeeded: false));
        Assert.Equal(1024 + 32, memory.Take(1));
        Assert.Equal(48, memory.Bytes);
    }
}
