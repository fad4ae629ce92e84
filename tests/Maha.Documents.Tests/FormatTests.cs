using System.Text;
using Maha.Documents.Files;

namespace Maha.Documents.Tests;

public sealed class FormatTests
{
    [Fact]
    public void Text_IsTheFile_AndItsLabelTheFolder()
    {
        using var corpus = new Corpus().Write("good/1.txt", "one\n two\r\n").Write("bad/old/2", "three").Write("4.txt", "four");
        Assert.Equal(
            [new Row("four", "", "4.txt", 1), new Row("three", "old", "bad/old/2", 1), new Row("one\n two\r\n", "good", "good/1.txt", 1)],
            Corpus.Rows(corpus.Load()));
    }

    [Theory]
    [InlineData("1.txt", "")]
    [InlineData("./1.txt", "")]
    [InlineData("../1.txt", "")]
    [InlineData("../../1.txt", "")]
    [InlineData("/1.txt", "")]
    [InlineData("good/1.txt", "good")]
    [InlineData("./good/1.txt", "good")]
    [InlineData("../good/./1.txt", "good")]
    [InlineData("data/good//1.txt", "good")]
    [InlineData("/data/..good/1.txt", "..good")]
    public void Label_IsTheNameOfAFolder(string path, string label) => Assert.Equal(label, new DocumentFile(path, path, DocumentFormat.Text).FolderName);

    [Fact]
    public void Html_IsReadableText_WithItsTitle() => Assert.Equal(
        "Caf\u00e9 & bar\n\nMenu\n\nTwo words and more\nnext line\n\na\tb\nc\td\n\n  keep\n    this\n\n- x\nThe end <3\n\nA picture",
        Corpus.Text("page.html", """
            <!DOCTYPE html><html><head><title>Caf&eacute; &amp;
              bar</title><style>p { x: "<p>" }</style><script>if (1 < 2) document.write("<p>no</p>");</script></head>
            <body><nav><ul><li>Home</li></ul></nav><h1>Menu</h1>
            <p>Two   words <b>and</b>
              more<br>next line</p>
            <table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table><pre>  keep
                this</pre><!-- no -->
            <noscript>no</noscript><div>- x</div><div>The end &lt;3</div><p><img src="x.png" alt="A picture"></p>
            <svg><title>no</title><text>no</text></svg><template>no</template></body></html>
            """.ReplaceLineEndings("\n").Replace("                this", "    this", StringComparison.Ordinal)));

    [Theory]
    [InlineData("<title>Same</title><h1>Same</h1><p>text", "Same\n\ntext")]
    [InlineData("<title>Only</title>", "Only")]
    [InlineData("no markup at all, 1 < 2", "no markup at all, 1 < 2")]
    [InlineData("<div><nav>left out</div>kept", "kept")]
    [InlineData("<nav><img alt='left out'></nav><p>kept <img alt='A picture'>", "kept A picture")]
    [InlineData("<p>one<p>two<li>three", "one\n\ntwo\nthree")]
    [InlineData("a<span>b</span>c <i> d</i>", "abc d")]
    [InlineData("x&nbsp;y&#x41;&unknown;", "x\u00a0yA&unknown;")]
    [InlineData("</p></div></nav>fine", "fine")]
    [InlineData("<body><header>Author</header><script>never closed", "Author")]
    [InlineData("<textarea><p>form</textarea>page", "page")]
    [InlineData("<head><meta charset=utf-8><body>page", "page")]
    public void Html_ThatIsNotWellFormed_IsRead(string html, string text) => Assert.Equal(text, Corpus.Text("page.htm", html));

    [Fact]
    public void Markdown_IsPlainText() => Assert.Equal(
        "Title here\n\nSome bold link and code & so on.\n\nfirst\nsecond\n\nx\ty\n1\t2\n\nvar x = 1 < 2;\n\nquoted\n\nA picture",
        Corpus.Text("page.md", """
            ---
            layout: post
            ---
            # Title *here*

            Some **bold** [link](http://example.org) and `code` &amp; so on.<!-- no --><script>no</script>

            - first
            - second

            | x | y |
            |---|---|
            | 1 | 2 |

            ```cs
            var x = 1 < 2;
            ```

            > quoted

            ![A picture](x.png)
            """));

    [Fact]
    public void JsonLines_HaveAnObjectOnEachLine()
    {
        using var corpus = new Corpus().Write("folder/data.jsonl",
            "{\"text\":\"one\\nline \\u00e9\",\"label\":\"a\"}\n\n{\"label\":2,\"Text\":\"two\"}\r\n{\"text\":\"three\"}\n"
            + "{\"text\":\"four\",\"label\":null}\n  \n{\"text\":\"five\",\"label\":true}");
        Assert.Equal(
            [("one\nline \u00e9", "a", 1L), ("two", "2", 3L), ("three", "folder", 4L), ("four", "", 5L), ("five", "true", 7L)],
            Corpus.Rows(corpus.Load()).Select(row => (row.Text, row.Label, row.Line)));
    }

    [Theory]
    [InlineData("true", "true")]
    [InlineData("false", "false")]
    [InlineData("\"True\"", "True")]
    [InlineData("1", "1")]
    [InlineData("-0.50", "-0.50")]
    [InlineData("1E3", "1E3")]
    [InlineData("12345678901234567890", "12345678901234567890")]
    [InlineData("null", "")]
    [InlineData("\"t\\u00e9\"", "t\u00e9")]
    public void JsonLabels_AreTheTextOfTheJson(string json, string label)
    {
        using var corpus = new Corpus().Write("folder/data.jsonl", $"{{\"text\":\"x\",\"label\": {json} }}");
        Assert.Equal(label, Corpus.Rows(corpus.Load()).Single().Label);
    }

    [Fact]
    public void JsonLines_NamedFields_AreRead()
    {
        using var corpus = new Corpus().Write("data.ndjson", "{\"body\":\"one\",\"text\":\"no\",\"class\":\"x\",\"label\":\"no\"}");
        var row = Corpus.Rows(corpus.Load(new DocumentLoaderOptions { TextField = "body", LabelField = "class" })).Single();
        Assert.Equal(("one", "x"), (row.Text, row.Label));
    }

    [Fact]
    public void Csv_HasQuotesSeparatorsAndLineBreaks()
    {
        using var corpus = new Corpus().Write("data.csv",
            "id,Text,label\r\n1,\"a, \"\"b\"\"\nsecond line\",x\r\n\r\n2,plain 5\" disk,y\r\n3,\"last\",\r\n");
        Assert.Equal(
            [("a, \"b\"\nsecond line", "x", 2L), ("plain 5\" disk", "y", 5L), ("last", "", 6L)],
            Corpus.Rows(corpus.Load()).Select(row => (row.Text, row.Label, row.Line)));
    }

    [Theory]
    [InlineData("data.tsv", "label\ttext\nx\tone, two\ny\t\"three\tfour\"\n")]
    [InlineData("data.tab", "text\tlabel\none, two\tx\n\"three\tfour\"\ty")]
    public void Tsv_IsSeparatedByTabs(string name, string content)
    {
        using var corpus = new Corpus().Write(name, content);
        Assert.Equal([("one, two", "x"), ("three\tfour", "y")], Corpus.Rows(corpus.Load()).Select(row => (row.Text, row.Label)));
    }

    [Fact]
    public void Csv_WithoutHeaderAndQuotes_HasNumberedColumns()
    {
        using var corpus = new Corpus().Write("data.csv", "x;\"one\" said;0\ny;two;1");
        var options = new DocumentLoaderOptions { HasHeader = false, TextField = "1", LabelField = "0", SeparatorChar = ';', AllowQuoting = false };
        Assert.Equal([("\"one\" said", "x", 1L), ("two", "y", 2L)], Corpus.Rows(corpus.Load(options)).Select(row => (row.Text, row.Label, row.Line)));
    }

    [Fact]
    public void Csv_WithoutLabel_HasTheFolder()
    {
        using var corpus = new Corpus().Write("spam/data.csv", "text\none\n");
        Assert.Equal("spam", Corpus.Rows(corpus.Load()).Single().Label);
    }

    [Fact]
    public void Format_OverridesTheExtension()
        => Assert.Equal(
            "{\"text\":\"<b>x</b>\"}", Corpus.Text("data.jsonl", "{\"text\":\"<b>x</b>\"}", new DocumentLoaderOptions { Format = DocumentFormat.Text }));

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-8", false)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-32", true)]
    [InlineData("windows-1252", false)]
    [InlineData("windows-1251", false)]
    [InlineData("shift_jis", false)]
    [InlineData("gb18030", false)]
    public void Encodings_AreDetected_InEveryFormat(string name, bool hasMark)
    {
        string text = name switch
        {
            "windows-1251" => "Это просто текст на русском языке, который написан без всякой цели.",
            "shift_jis" => "これは日本語の文章です。文字コードの判定を試します。",
            "gb18030" => "这是一个中文句子，用来测试编码检测。希望它能够正确识别。",
            _ => "Das Mädchen überquerte die Straße und ging über die Brücke, während der Regen auf die Dächer fiel.",
        };
        var encoding = CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);
        Assert.Equal(text, Read("a.txt", text));
        Assert.Equal(text, Read("a.html", $"<p>{text}</p>"));
        Assert.Equal(text, Read("a.md", $"*{text}*"));
        Assert.Equal(text, Read("a.csv", $"text,x\n\"{text}\",1\n"));
        // JSON without a mark is UTF-8.
        if (hasMark || name == "utf-8")
            Assert.Equal(text, Read("a.jsonl", $"{{\"text\":\"{text}\"}}"));
        else
            Assert.Equal(text, Read("a.jsonl", $"{{\"text\":\"{text}\"}}", new DocumentLoaderOptions { Encoding = encoding }));

        string Read(string file, string content, DocumentLoaderOptions? options = null)
            => Corpus.Texts(file, [.. hasMark ? encoding.GetPreamble() : [], .. encoding.GetBytes(content)], options).Single();
    }

    [Fact]
    public void Html_DeclaresItsEncoding()
    {
        var encoding = CodePagesEncodingProvider.Instance.GetEncoding("koi8-r")!;
        Assert.Equal("Да", Corpus.Texts("a.html", encoding.GetBytes("<meta charset=\"koi8-r\"><p>Да")).Single());
        // A declaration that the bytes contradict.
        Assert.Equal("Да", Corpus.Texts("a.html", Encoding.UTF8.GetBytes("<meta charset=\"koi8-r\"><p>Да")).Single());
    }

    // A declaration is found by reading the file as ASCII, so that an encoding that is not ASCII where markup is can't be the file's.
    [Fact]
    public void Html_DeclaredEncoding_NeverTurnsAsciiIntoOtherText()
    {
        string[] aliases =
        [
            "unicode", "ucs-2", "iso-10646-ucs-2", "csunicode", "unicodefffe", "utf-16", "utf-16le", "utf-16be", "utf-32", "utf-32be", "ucs-4", "utf-7",
            "unicode-1-1-utf-7", "csunicode11utf7", "unicode-2-0-utf-7", "x-unicode-2-0-utf-7", "x-unicode-1-1-utf-7", "ibm037", "ibm500", "cp037", "cp1026",
            "ebcdic-cp-us", "cscp037", "x-ebcdic-koreanextended", "replacement", "x-user-defined", "unheard-of", "-1", "0", "1200", "65000",
        ];
        var names = CodePagesEncodingProvider.Instance.GetEncodings().Concat(Encoding.GetEncodings()).Select(encoding => encoding.Name).Concat(aliases);
        using var corpus = new Corpus();
        foreach (string name in names.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            corpus.Write($"meta/{name}.html", $"<meta charset=\"{name}\"><p>Plain text, 12 words!");
            corpus.Write($"xml/{name}.html", $"<?xml encoding='{name}'?><p>x &lt; y");
        }
        var data = corpus.Load();
        Assert.All(Corpus.Rows(data), row => Assert.Equal(row.Label == "meta" ? "Plain text, 12 words!" : "x < y", row.Text));
        Assert.Empty(data.Summary!.Skipped);
        Assert.True(data.Summary.NumberOfRows > 200);
    }
}
