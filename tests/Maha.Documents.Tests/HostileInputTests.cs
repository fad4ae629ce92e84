using System.Text;

namespace Maha.Documents.Tests;

public sealed class HostileInputTests
{
    private static readonly DocumentLoaderOptions s_short = new() { MaxDocumentLength = 1000 };

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.html")]
    [InlineData("a.md")]
    [InlineData("a.csv")]
    public void BinaryFiles_AreListed(string name)
    {
        var skipped = Assert.Single(Corpus.Skipped(name, [.. "text\nx"u8, 0, 1, 2, 255]));
        Assert.Equal((name, 2L), (skipped.Path, skipped.Line));
        Assert.Contains("NUL bytes, but there is one at offset 6", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void BinaryJsonLines_AreListed_LineByLine()
    {
        var skipped = Corpus.Skipped("a.jsonl", [0, 1, (byte)'\n', 0xFF, (byte)'\n', .. "{\"text\":1}"u8]);
        Assert.Equal([1L, 2L, 3L], skipped.Select(document => document.Line!.Value));
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.html")]
    [InlineData("a.md")]
    [InlineData("a.csv")]
    [InlineData("a.tsv")]
    [InlineData("a.jsonl")]
    public void EmptyFiles_AreListed(string name)
    {
        var skipped = Assert.Single(Corpus.Skipped(name, ""));
        Assert.Equal((name, (long?)null), (skipped.Path, skipped.Line));
        Assert.Contains("empty", skipped.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.txt", " \n ", 1)]
    [InlineData("a.html", "<script>x</script>", 1)]
    [InlineData("a.md", "[x]: http://example.org", 1)]
    [InlineData("a.jsonl", "\n{\"text\":\"\"}", 2)]
    [InlineData("a.csv", "text,label\n,x", 2)]
    public void DocumentsWithoutText_AreListed_OrKept(string name, string content, long line)
    {
        var skipped = Assert.Single(Corpus.Skipped(name, content));
        Assert.Equal(line, skipped.Line);
        Assert.Contains("KeepEmpty", skipped.Reason, StringComparison.Ordinal);
        Assert.Equal("", Corpus.Text(name, content, new DocumentLoaderOptions { KeepEmpty = true }).Trim());
    }

    [Theory]
    [InlineData("{\"text\":\"cut", "A line must be one JSON object, but is not")]
    [InlineData("{\"text\":\"x\"} {\"text\":\"y\"}", "A line must be one JSON object, but is not")]
    [InlineData("nonsense", "A line must be one JSON object, but is not")]
    [InlineData("[{\"text\":\"x\"}]", "is an array")]
    [InlineData("\"text\"", "is a String")]
    [InlineData("{}", "the properties are: none")]
    [InlineData("{\"body\":\"x\"}", "There must be a property 'text', but the properties are: body. Set TextField.")]
    [InlineData("{\"text\":1}", "must be a string, but is Number")]
    [InlineData("{\"text\":null}", "must be a string, but is Null")]
    [InlineData("{\"text\":\"x\",\"text\":\"y\"}", "Duplicate")]
    [InlineData("{\"text\":\"x\",\"label\":{}}", "The property of the label must be")]
    [InlineData("{\"text\":\"\\ud800\"}", "can't be read")]
    public void BadJson_IsListed_AndTheOthersAreRows(string bad, string reason)
    {
        using var corpus = new Corpus().Write("a.jsonl", $"{{\"text\":\"one\"}}\n{bad}\n{{\"text\":\"two\"}}");
        var data = corpus.Load();
        Assert.Equal(["one", "two"], Corpus.Rows(data).Select(row => row.Text));
        var skipped = Assert.Single(data.Summary!.Skipped);
        Assert.Equal(("a.jsonl", 2L), (skipped.Path, skipped.Line));
        Assert.Contains(reason, skipped.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[\n  {\n    \"text\": \"one\"\n  },\n  {\n    \"text\": \"two\"\n  }\n]\n", 1)]
    [InlineData("\n \r\n [\r\n{\"text\":\"one\"},\r\n{\"text\":\"two\"}\r\n]", 3)]
    [InlineData("[{\"text\":\"one\"},\n{\"text\":\"two\"}]", 1)]
    [InlineData("[ {\n\"text\":\"one\"}]", 1)]
    [InlineData("\uFEFF[{\"text\":\"cut", 1)]
    public void JsonArrayOverLines_IsListedOnce_WithTheWayToWriteItAsLines(string content, long line)
    {
        foreach (string name in new[] { "a.jsonl", "a.json" })
        {
            var skipped = Assert.Single(Corpus.Skipped(name, content));
            Assert.Equal(line, skipped.Line);
            Assert.Contains("the lines together are an array. Write each of its items on a line, for instance with jq -c '.[]'.", skipped.Reason,
                StringComparison.Ordinal);
        }
    }

    // A log may start so; what follows is not lost.
    [Theory]
    [InlineData("[INFO] start")]
    [InlineData("[]")]
    [InlineData("[{\"text\":\"x\"}]")]
    [InlineData("[{text: x}]")]
    public void FirstLineWithABracket_ThatOpensNoArray_IsOneBadLine(string line)
    {
        using var corpus = new Corpus().Write("a.jsonl", $"{line}\n{{\"text\":\"one\"}}\n");
        var data = corpus.Load();
        Assert.Equal("one", Assert.Single(Corpus.Rows(data)).Text);
        Assert.Equal(1L, Assert.Single(data.Summary!.Skipped).Line);
    }

    [Fact]
    public void DeepJson_IsListed()
        => Assert.Contains(
            "A line must be one JSON object", Corpus.Skipped("a.jsonl", "{\"text\":" + new string('[', 100_000)).Single().Reason, StringComparison.Ordinal);

    [Theory]
    [InlineData("1\n", "another number of fields")]
    [InlineData("1,2,3\n", "another number of fields")]
    [InlineData("\"x\" y,2\n", "text after the closing quotation mark")]
    public void BadCsvRecords_AreListed_AndTheOthersAreRows(string bad, string reason)
    {
        using var corpus = new Corpus().Write("a.csv", $"text,label\none,\"a\n\"\n{bad}two,b\n");
        var data = corpus.Load();
        Assert.Equal(["one", "two"], Corpus.Rows(data).Select(row => row.Text));
        var skipped = Assert.Single(data.Summary!.Skipped);
        Assert.Equal(("a.csv", 4L), (skipped.Path, skipped.Line));
        Assert.Contains(reason, skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void UnclosedQuote_IsListed_WithTheLineOfItsRecord()
    {
        using var corpus = new Corpus().Write("a.csv", "text,label\none,a\ntwo,\"b\nthree,c\nfour,d\n");
        var data = corpus.Load();
        Assert.Equal(["one"], Corpus.Rows(data).Select(row => row.Text));
        var skipped = Assert.Single(data.Summary!.Skipped);
        Assert.Equal(3L, skipped.Line);
        Assert.Contains("never closed: the rest of the file belongs to it", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void RecordWithTwoFaults_IsListedOnce()
    {
        using var corpus = new Corpus().Write("a.csv", "text,label\none,a\n\"two,b\nthree,c\n");
        var data = corpus.Load();
        Assert.Equal(["one"], Corpus.Rows(data).Select(row => row.Text));
        var skipped = Assert.Single(data.Summary!.Skipped);
        Assert.Equal(3L, skipped.Line);
        Assert.Contains("never closed", skipped.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text,label,text\none,a,b\n", "one column 'text', but has several. Rename the others.")]
    [InlineData("text,label,label\none,a,b\n", "one column 'label', but has several. Rename the others.")]
    [InlineData("body,label\none,a\n", "a column 'text', but the columns are: body, label. Set TextField. If the file has no header, set HasHeader to false; ")]
    [InlineData("\"text,label\none,a\n", "its first record must have the names of the columns")]
    public void BadHeader_ListsTheFile(string content, string reason)
    {
        var skipped = Assert.Single(Corpus.Skipped("a.csv", content));
        Assert.Equal(1L, skipped.Line);
        Assert.Contains("The file is not read", skipped.Reason, StringComparison.Ordinal);
        Assert.Contains(reason, skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingLabelField_IsListed_WhereItWasNamed()
    {
        var options = new DocumentLoaderOptions { LabelField = "class" };
        Assert.Contains("Set LabelField", Corpus.Skipped("a.csv", "text\none\n", options).Single().Reason, StringComparison.Ordinal);
        Assert.Contains("Set LabelField", Corpus.Skipped("a.jsonl", "{\"text\":\"x\"}", options).Single().Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("iso-8859-1")]
    [InlineData("utf-16")]
    public void NulInAFileOfAGivenEncoding_ListsItsRecordAlone(string encoding)
    {
        var given = Encoding.GetEncoding(encoding);
        using var corpus = new Corpus().Write("a.csv", given.GetBytes("text\none\na\0b\nthree\n"));
        var data = corpus.Load(new DocumentLoaderOptions { Encoding = given });
        Assert.Equal(["one", "three"], Corpus.Rows(data).Select(row => row.Text));
        var skipped = Assert.Single(data.Summary!.Skipped);
        Assert.Equal(3L, skipped.Line);
        Assert.Contains("must not have NUL characters", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedUtf8_ListsTheDocument_AndOnlyTheRecord()
    {
        byte[] damaged = [.. "é ü ö ä\nß "u8, 0xC3, .. " x\n"u8];
        foreach (string name in new[] { "a.txt", "a.html", "a.md" })
        {
            var skipped = Assert.Single(Corpus.Skipped(name, damaged));
            Assert.Equal(2L, skipped.Line);
            Assert.Contains("A UTF-8 text must be valid, but the bytes at offset 15 are not", skipped.Reason, StringComparison.Ordinal);
        }
        foreach (var (name, head, quote) in new[] { ("a.csv", "text,x\n", "\","), ("a.jsonl", "\n", "\"}") })
        {
            string open = quote == "\"," ? "\"" : "{\"text\":\"";
            using var corpus = new Corpus().Write(name,
                [.. Encoding.UTF8.GetBytes($"{head}{open}é ü ö ä ß{quote}\n{open}"), 0xC3, .. Encoding.UTF8.GetBytes($"{quote}\n{open}two{quote}\n")]);
            var data = corpus.Load();
            Assert.Equal(["é ü ö ä ß", "two"], Corpus.Rows(data).Select(row => row.Text));
            Assert.Equal(3L, Assert.Single(data.Summary!.Skipped).Line);
        }
    }

    [Theory]
    [InlineData("a.html", "shift_jis", "<meta charset=shift_jis>\n<p>\u3042\n", new byte[] { 0x81 }, 3)]
    [InlineData("a.html", "gb18030", "<meta charset=gb18030><p>\r\n\r\n\u3042", new byte[] { 0x81, 0x20 }, 3)]
    [InlineData("a.txt", "utf-8", "\uFEFFone\ntwo \u00e9\n", new byte[] { 0xC3, (byte)'x' }, 3)]
    [InlineData("a.md", "utf-16", "\uFEFFone\n\u010A\u0A0A", new byte[] { 0x3D, 0xD8 }, 2)]
    [InlineData("a.txt", "utf-16BE", "\uFEFFone\n\n\n", new byte[] { 0xDC, 0x00, 0x00, 0x78 }, 4)]
    [InlineData("a.txt", "utf-32", "\uFEFFone\n", new byte[] { 0xFF, 0xFF, 0xFF, 0x7F }, 2)]
    public void BytesThatAreNotValidInTheEncoding_HaveTheirLine(string name, string encoding, string head, byte[] bad, long line)
    {
        var known = CodePagesEncodingProvider.Instance.GetEncoding(encoding) ?? Encoding.GetEncoding(encoding);
        var skipped = Assert.Single(Corpus.Skipped(name, [.. known.GetBytes(head), .. bad]));
        Assert.Equal((name, line), (skipped.Path, skipped.Line));
        Assert.StartsWith("The bytes are not valid in the encoding of the file", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void BytesOfNoEncoding_AreListed()
    {
        byte[] bytes = new byte[5000];
        var random = new Random(1);
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)random.Next(1, 256);
        Assert.Contains("Set Encoding", Assert.Single(Corpus.Skipped("a.txt", bytes)).Reason, StringComparison.Ordinal);
        // Half of a character at the end.
        Assert.NotEmpty(Corpus.Skipped("a.txt", [0xFF, 0xFE, (byte)'x', 0, 0x3D, 0xD8]));
    }

    [Theory]
    [InlineData("a.txt", "", "", 1001)]
    [InlineData("a.txt", "", "", 4001)]
    [InlineData("a.html", "<p>", "", 1001)]
    [InlineData("a.md", "", "", 1001)]
    [InlineData("a.jsonl", "{\"text\":\"", "\"}", 1001)]
    [InlineData("a.jsonl", "{\"text\":\"", "\"}", 4001)]
    [InlineData("a.csv", "text\n", "\n", 1001)]
    public void LongDocuments_AreListed_AndTheNextIsRead(string name, string head, string tail, int length)
    {
        using var corpus = new Corpus().Write(name, head + new string('x', length) + tail).Write("b.txt", "next");
        var data = corpus.Load(s_short);
        Assert.Equal(["next"], Corpus.Rows(data).Select(row => row.Text));
        Assert.Contains("MaxDocumentLength", Assert.Single(data.Summary!.Skipped).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("a.jsonl")]
    [InlineData("a.csv")]
    public void LineOf100Megabytes_IsListed_WithoutReadingItIntoMemory(string name)
    {
        using var corpus = new Corpus().Write(name, name == "a.csv" ? "text,label\none,a\n\"" : "{\"text\":\"one\"}\n");
        byte[] piece = new byte[1 << 20];
        piece.AsSpan().Fill((byte)'x');
        using (var file = new FileStream(corpus.PathOf(name), FileMode.Append))
        {
            for (int i = 0; i < 100; i++)
                file.Write(piece);
            file.Write("\n{\"text\":\"two\"}\n"u8);
        }
        long before = GC.GetTotalAllocatedBytes();
        var data = corpus.Load(new DocumentLoaderOptions { MaxDocumentLength = 1 << 20 });
        var rows = Corpus.Rows(data).Select(row => row.Text);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 40L << 20);
        string[] expected = name switch
        {
            "a.txt" => [],
            "a.jsonl" => ["one", "two"],
            // A quotation mark may be open, so that nothing after the limit is known to be a record.
            _ => ["one"],
        };
        Assert.Equal(expected, rows);
        var skipped = Assert.Single(data.Summary!.Skipped);
        long? line = name switch
        {
            "a.txt" => null,
            "a.jsonl" => 2,
            _ => 3,
        };
        Assert.Equal((name, line), (skipped.Path, skipped.Line));
    }

    [Theory]
    [InlineData("div")]
    [InlineData("b")]
    [InlineData("font")]
    [InlineData("table")]
    [InlineData("nav")]
    [InlineData("svg")]
    public void Html_With100000NestedElements_IsRead(string tag)
    {
        string html = string.Concat(Enumerable.Repeat($"<{tag}>", 100_000)) + "deep" + string.Concat(Enumerable.Repeat($"</{tag}></x>", 100_000)) + " end";
        string text = Corpus.Text("a.html", html);
        Assert.Equal(tag is "nav" or "svg" ? "end" : "deepend", text.Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(">", "x")]
    [InlineData("- ", "x")]
    [InlineData("[", "")]
    [InlineData("*a **a ", "")]
    public void Markdown_WithDeepNesting_IsReadOrListed(string mark, string end)
    {
        using var corpus = new Corpus().Write("a.md", string.Concat(Enumerable.Repeat(mark, 20_000)) + end).Write("b.txt", "next");
        var data = corpus.Load();
        Assert.Equal("next", Corpus.Rows(data)[^1].Text);
        Assert.Equal(2, data.Summary!.NumberOfRows + data.Summary.NumberOfSkipped);
    }

    [Fact]
    public void RandomDamage_LosesNothing()
    {
        string[] names = ["a.txt", "a.html", "a.md", "a.jsonl", "a.csv", "a.tsv"];
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            string name = names[i % names.Length];
            string content = name[2] == 'j'
                ? string.Concat(Enumerable.Range(0, 9).Select(n => $"{{\"text\":\"wörd {n}\",\"label\":\"a\"}}\n"))
                : name[2] is 'c' or 't' && name != "a.txt"
                    ? string.Join('\n', Enumerable.Range(0, 9).Select(n => n == 0 ? "text,label" : $"\"wörd {n}\",a"))
                        .Replace(',', name == "a.csv" ? ',' : '\t')
                    : "<p>*some* wörds & [more](x)</p>\n\n- item\n";
            byte[] bytes = Encoding.UTF8.GetBytes(content);
            for (int change = random.Next(4); change >= 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            using var corpus = new Corpus().Write(name, bytes[..random.Next(1, bytes.Length)]);
            var data = corpus.Load();
            var rows = Corpus.Rows(data);
            // Whatever the damage: the file is a row, or listed; a file of records can have no record that is complete.
            Assert.Equal(rows.Count, data.Summary!.NumberOfRows);
            Assert.True(rows.Count + data.Summary.NumberOfSkipped > 0 || name is "a.csv" or "a.tsv" or "a.jsonl", name);
            Assert.All(data.Summary.Skipped, skipped => Assert.True(skipped.Path == name && skipped.Reason.Length > 0));
        }
    }
}
