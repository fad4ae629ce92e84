using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Data;

public sealed class VBufferTests
{
    private static readonly VBuffer<float> s_dense = new(5, [1, 0, 3, 0, 5]);
    private static readonly VBuffer<float> s_sparse = new(5, 3, [1, 3, 5], [0, 2, 4]);

    [Fact]
    public void SparseAndDense_HaveTheSameValues()
    {
        Assert.True(s_dense.IsDense);
        Assert.False(s_sparse.IsDense);
        Assert.Equal(s_dense.DenseValues(), s_sparse.DenseValues());
        Assert.Equal(s_dense.Items(all: true), s_sparse.Items(all: true));
        Assert.Equal([0, 2, 4], s_sparse.Items().Select(i => i.Key));
        for (int i = 0; i < 5; i++)
            Assert.Equal(s_dense.GetItemOrDefault(i), s_sparse.GetItemOrDefault(i));
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(1, 3)]
    [InlineData(2, 0)]
    [InlineData(3, 1)]
    public void CopiedPart_IsThePartOfTheValues(int start, int length)
    {
        foreach (VBuffer<float> source in new[] { s_dense, s_sparse })
        {
            VBuffer<float> copy = default;
            source.CopyTo(ref copy, start, length);
            Assert.Equal(source.DenseValues().Skip(start).Take(length), copy.DenseValues());
        }
    }

    [Fact]
    public void SparseVectorWithoutValues_NeedsNoArrays()
    {
        var empty = new VBuffer<float>(5, 0, null, null);
        VBuffer<float> copy = default, part = default;
        empty.CopyTo(ref copy);
        empty.CopyTo(ref part, 1, 3);
        Assert.Equal([0, 0, 0, 0, 0], copy.DenseValues());
        Assert.Equal([0, 0, 0], part.DenseValues());
        Assert.Equal(0, empty.GetItemOrDefault(4));
    }

    [Fact]
    public void CopyToSpan_FillsImplicitValues()
    {
        var target = new float[7];
        s_sparse.CopyTo(target, 1, defaultValue: -1);
        Assert.Equal([0, 1, -1, 3, -1, 5, 0], target);
        VBuffer<float> dense = default;
        s_sparse.CopyToDense(ref dense);
        Assert.True(dense.IsDense);
    }

    [Fact]
    public void Copy_ReusesTheArrayOfItsTarget()
    {
        VBuffer<float> target = default;
        s_dense.CopyTo(ref target);
        ref float before = ref MemoryMarshal.GetReference(target.GetValues());
        s_sparse.CopyTo(ref target);
        Assert.True(Unsafe.AreSame(in before, in MemoryMarshal.GetReference(target.GetValues())));
        Assert.Equal(s_sparse.DenseValues(), target.DenseValues());
    }

    [Fact]
    public void Editor_MakesSparseVectorsThatCanBeTruncated()
    {
        VBuffer<int> buffer = default;
        VBufferEditor<int> editor = VBufferEditor.Create(ref buffer, 10, 4);
        Assert.True(editor.CreatedNewValues && editor.CreatedNewIndices);
        for (int i = 0; i < 3; i++)
            (editor.Values[i], editor.Indices[i]) = (i + 1, 3 * i);
        buffer = editor.CommitTruncated(3);
        Assert.Equal([1, 0, 0, 2, 0, 0, 3, 0, 0, 0], buffer.DenseValues());
        Assert.Throws<ArgumentOutOfRangeException>(() => VBufferEditor.CreateFromBuffer(ref buffer).CommitTruncated(4));
    }

    [Fact]
    public void WrongCounts_Throw()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new VBuffer<float>(3, [1, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new VBuffer<float>(3, 4, [1, 2, 3, 4], [0, 1, 2, 3]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new VBuffer<float>(3, 2, [1, 2], [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_dense.GetItemOrDefault(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => s_dense.CopyTo(new float[4]));
    }
}
