using System.Text;
using Maha.Tool.Input;
using Maha.Tool.Output;

namespace Maha.Tool.Tests;

// What is in memory at a time, and what is written of it.
public sealed class BufferTests
{
    private const int Length = 1 << 16;

    [Theory]
    [InlineData("text")]
    [InlineData("label")]
    [InlineData("error")]
    [InlineData("kept")]
    [InlineData("name")]
    public void Batches_HaveFewCharacters_WhereverADocumentHasThem(string part)
    {
        string x = new('x', Length);
        var document = new InputDocument(null, 1, part == "text" ? x : "", part == "label" ? x : "", part == "error" ? x : null,
            part == "kept" ? [new("id", x)] : part == "name" ? [new(x, "1")] : null);
        var batches = DocumentBatch.Divide(Enumerable.Repeat(document, 1000), workers: 1).ToList();
        Assert.Equal(1000, batches.Sum(batch => batch.Documents.Count));
        Assert.All(batches, batch => Assert.InRange(batch.Documents.Count, 1, 5));
    }

    [Fact]
    public void Lines_AreWrittenOnce_WhereWritingFailsInTheMiddle()
    {
        using var output = new FailingStream(allowed: 10);
        using var lines = new JsonLines(output);
        lines.Write(json => json.WriteNumber("first", 1));
        Assert.Throws<IOException>(lines.Flush);
        // As a command does that ends after an exception.
        lines.Flush();
        lines.Write(json => json.WriteNumber("second", 2));
        lines.Flush();
        Assert.Equal("{\"first\":1{\"second\":2}\n", output.Text);
    }

    // Writes a few bytes and fails, as a full disk does; then has room again.
    private sealed class FailingStream(int allowed) : MemoryStream
    {
        private bool _hasFailed;

        public string Text => Encoding.UTF8.GetString(ToArray());

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (_hasFailed || buffer.Length <= allowed)
            {
                base.Write(buffer);
                return;
            }
            base.Write(buffer[..allowed]);
            _hasFailed = true;
            throw new IOException("No space left on device");
        }
    }
}
