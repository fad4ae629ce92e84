using System.Text;
using Maha.Documents.Readers;

namespace Maha.Documents.Tests;

public sealed class LineReaderTests
{
    // The buffer starts with 65,536 bytes and grows.
    [Theory]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(131_071)]
    [InlineData(131_072)]
    [InlineData(200_000)]
    public void Line_OfTheLimit_IsRead_AndALongerOneIsNot(int limit)
    {
        foreach (string end in new[] { "", "\n", "\nnext" })
        {
            Assert.Equal([limit, .. end == "\nnext" && limit >= 4 ? [4] : end == "\nnext" ? new[] { -1 } : []], Lengths(limit, limit, end));
            Assert.Equal([-1, .. end == "\nnext" && limit >= 4 ? [4] : end == "\nnext" ? new[] { -1 } : []], Lengths(limit + 1, limit, end));
        }
    }

    // The largest limit of a document is 268,435,456 characters of four bytes. A buffer of twice the size would have more bytes than an array can have.
    [Fact]
    public void Buffer_GrowsToTheLimit_AndNotBeyondTheLargestArray()
    {
        long largest = new DocumentLoaderOptions { MaxDocumentLength = 1 << 28 }.MaxDocumentBytes;
        for (long size = Utf8LineReader.InitialSize; size <= largest;)
        {
            long next = Utf8LineReader.NextSize((int)size, (int)largest);
            Assert.InRange(next, size + 1, Array.MaxLength);
            size = next;
        }
        Assert.Equal(Array.MaxLength, Utf8LineReader.NextSize(1 << 30, int.MaxValue));
    }

    private static List<int> Lengths(int length, int limit, string end)
    {
        using var lines = new Utf8LineReader(new MemoryStream(Encoding.UTF8.GetBytes(new string('x', length) + end)), limit);
        var lengths = new List<int>();
        while (lines.Read())
            lengths.Add(lines.IsTooLong ? -1 : lines.Line.Length);
        return lengths;
    }
}
