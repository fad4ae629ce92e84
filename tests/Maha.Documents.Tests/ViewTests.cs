using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Maha.Documents.Tests;

public sealed class ViewTests
{
    [Fact]
    public void Schema_IsTextLabelPathAndLine()
    {
        using var corpus = new Corpus().Write("a.txt", "x");
        var data = corpus.Load();
        Assert.Equal(["Text", "Label", "Path", "Line"], data.Schema.Select(column => column.Name));
        Assert.All(data.Schema.Take(3), column => Assert.IsType<TextDataViewType>(column.Type));
        Assert.Equal(NumberDataViewType.Int64, data.Schema["Line"].Type);
        Assert.False(data.CanShuffle);
        Assert.Null(data.GetRowCount());
        Assert.Null(data.Summary);
    }

    [Fact]
    public void Order_IsThatOfThePaths_WhateverTheOrderOfTheFiles()
    {
        string[] names = ["b/2.txt", "a/10.txt", "a/9.txt", "B/1.txt", "a.txt", "a-b.txt", "ä.txt"];
        using var corpus = new Corpus();
        foreach (string name in names)
            corpus.Write(name, name);
        var data = corpus.Load();
        string[] expected = [.. names.Order(StringComparer.Ordinal)];
        Assert.Equal(expected, data.Files);
        Assert.Equal(expected, Corpus.Rows(data).Select(row => row.Text));
    }

    [Fact]
    public void Passes_AndParallelCursors_HaveTheSameRows()
    {
        using var corpus = Mixed();
        var data = corpus.Load();
        var expected = Corpus.Rows(data);
        Assert.Equal(expected, Corpus.Rows(data));
        var columns = data.Schema;
        using var first = data.GetRowCursor(columns);
        using var second = data.GetRowCursorSet(columns, 4).Single();
        Assert.True(first.MoveNext());
        Assert.Equal(expected, Corpus.Rows(second));
        Assert.Equal(expected[1..], Corpus.Rows(first));
        var passes = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).Select(_ => Corpus.Rows(data)).ToList();
        Assert.All(passes, rows => Assert.Equal(expected, rows));
    }

    [Fact]
    public void EveryDocument_IsARowOrListed_InEveryPass()
    {
        using var corpus = Mixed();
        var received = new List<SkippedDocument>();
        var data = corpus.Load(new DocumentLoaderOptions { OnSkipped = received.Add });
        for (int pass = 1; pass <= 2; pass++)
        {
            int rows = Corpus.Rows(data).Count;
            Assert.Equal(rows, data.Summary!.NumberOfRows);
            // 1 + 40 + 40 + 1 + 1 + 1 documents.
            Assert.Equal(84, rows + data.Summary.NumberOfSkipped);
            Assert.Equal(10, data.Summary.NumberOfSkipped);
            Assert.Equal(data.Summary.Skipped, received[^10..]);
            Assert.Equal(10 * pass, received.Count);
        }
    }

    [Fact]
    public void Warnings_NameFileLineAndReason_OncePerDocument()
    {
        using var corpus = new Corpus().Write("a.jsonl", "{\"text\":\"one\"}\nbad\n");
        var warnings = new List<string>();
        corpus.Context.Log += (_, message) =>
        {
            if (message.Kind == ChannelMessageKind.Warning)
                warnings.Add(message.RawMessage);
        };
        var data = corpus.Load();
        Corpus.Rows(data);
        Corpus.Rows(data);
        Assert.StartsWith("Skipped a.jsonl, line 2: A line must be one JSON object", Assert.Single(warnings), StringComparison.Ordinal);
        warnings.Clear();
        corpus.Write("a.jsonl", string.Concat(Enumerable.Repeat("bad\n", 12_345)));
        data = corpus.Load();
        Assert.Empty(Corpus.Rows(data));
        Assert.Equal(101, warnings.Count);
        Assert.Contains("More than 100 documents were skipped", warnings[^1], StringComparison.Ordinal);
        Assert.Equal((12_345, 10_000), (data.Summary!.NumberOfSkipped, data.Summary.Skipped.Count));
    }

    [Fact]
    public void ThrowOnError_NamesFileLineAndReason()
    {
        using var corpus = new Corpus().Write("a.jsonl", "{\"text\":\"one\"}\nbad\n");
        var data = corpus.Load(new DocumentLoaderOptions { ThrowOnError = true });
        using var cursor = data.GetRowCursor(data.Schema);
        Assert.True(cursor.MoveNext());
        string message = Assert.Throws<InvalidDataException>(() => cursor.MoveNext()).Message;
        Assert.StartsWith("A document can't be read. a.jsonl, line 2: A line must be one JSON object", message, StringComparison.Ordinal);
        Assert.Null(data.Summary);
    }

    [Fact]
    public void Files_ThatVanish_AreListed()
    {
        using var corpus = new Corpus().Write("a.txt", "one").Write("b.txt", "two").Write("c.jsonl", "{\"text\":\"three\"}");
        var data = corpus.Load();
        File.Delete(corpus.PathOf("b.txt"));
        Assert.Equal(["one", "three"], Corpus.Rows(data).Select(row => row.Text));
        Assert.Equal(("b.txt", "There is no such file (any more)."), (data.Summary!.Skipped[0].Path, data.Summary.Skipped.Single().Reason));
        Directory.Delete(corpus.Folder, recursive: true);
        Assert.Empty(Corpus.Rows(data));
        Assert.Equal(3, data.Summary.NumberOfSkipped);
        Directory.CreateDirectory(corpus.Folder);
    }

    [Fact]
    public void Files_ThatCannotBeOpened_AreListed()
    {
        using var corpus = new Corpus().Write("a.txt", "one").Write("b.csv", "text\ntwo").Write("c.jsonl", "{}");
        var data = corpus.Load();
        // .NET keeps other openings in this process out, as permissions would, which root does not have to obey.
        using var first = new FileStream(corpus.PathOf("a.txt"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        using var second = new FileStream(corpus.PathOf("b.csv"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        using var third = new FileStream(corpus.PathOf("c.jsonl"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Empty(Corpus.Rows(data));
        Assert.Equal(["a.txt", "b.csv", "c.jsonl"], data.Summary!.Skipped.Select(skipped => skipped.Path));
        Assert.All(data.Summary.Skipped, skipped => Assert.StartsWith("The file can't be read: ", skipped.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public void Links_ToFilesAreRead_AndLinksToFoldersAreListed()
    {
        using var corpus = new Corpus().Write("a/one.txt", "one");
        Directory.CreateSymbolicLink(corpus.PathOf("a/loop"), corpus.Folder);
        File.CreateSymbolicLink(corpus.PathOf("a/two.txt"), corpus.PathOf("a/one.txt"));
        File.CreateSymbolicLink(corpus.PathOf("gone.txt"), corpus.PathOf("nowhere"));
        File.CreateSymbolicLink(corpus.PathOf("self.txt"), corpus.PathOf("self.txt"));
        var data = corpus.Load();
        Assert.Equal(["a/one.txt", "a/two.txt"], Corpus.Rows(data).Select(row => row.Path));
        Assert.Equal(["a/loop", "gone.txt", "self.txt"], data.Summary!.Skipped.Select(skipped => skipped.Path));
        Assert.Contains("Links to folders are not followed", data.Summary.Skipped[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void DotFiles_AreLeftOut_AndPatternsChoose()
    {
        using var corpus = new Corpus().Write("a/1.TXT", "one").Write("a/b/2.html", "two").Write(".git/3.txt", "three").Write("a/.4.txt", "four");
        Assert.Equal(["a/1.TXT", "a/b/2.html"], corpus.Load().Files);
        Assert.Equal(["a/1.TXT"], corpus.Load(pattern: "**/*.txt").Files);
        Assert.Equal(["a/b/2.html"], corpus.Load(pattern: "a/b/*").Files);
        Assert.Contains("'*.pdf'", Assert.Throws<FileNotFoundException>(() => corpus.Load(pattern: "*.pdf")).Message, StringComparison.Ordinal);
        Assert.EndsWith("Files of its subfolders match '**/*.txt'.", Assert.Throws<FileNotFoundException>(() => corpus.Load(pattern: "*.txt")).Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("**", Assert.Throws<FileNotFoundException>(() => corpus.Load(pattern: "*.pdf")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => corpus.Load(pattern: "../*.txt"));
        Assert.Throws<ArgumentException>(() => corpus.Load(pattern: "/etc/*"));
        Assert.Throws<ArgumentException>(() => corpus.Load(pattern: " "));
    }

    [Fact]
    public void OneFile_IsLoaded_AndMissingOnesAreRefused()
    {
        using var corpus = new Corpus().Write("a/b.txt", "one");
        var data = corpus.Context.Data.LoadDocuments(corpus.PathOf("a/b.txt"));
        Assert.Equal([new Row("one", "", "b.txt", 1)], Corpus.Rows(data));
        Assert.Throws<ArgumentException>(() => corpus.Context.Data.LoadDocuments(corpus.PathOf("a/b.txt"), "*.txt"));
        Assert.Throws<FileNotFoundException>(() => corpus.Context.Data.LoadDocuments(corpus.PathOf("c")));
        Assert.Throws<ArgumentException>(() => corpus.Context.Data.LoadDocuments(""));
    }

    [Theory]
    [InlineData(0)]
    [InlineData((1 << 28) + 1)]
    public void Options_AreChecked(int length)
    {
        using var corpus = new Corpus().Write("a.txt", "one");
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus.Load(new DocumentLoaderOptions { MaxDocumentLength = length }));
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus.Load(new DocumentLoaderOptions { Format = (DocumentFormat)77 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus.Load(new DocumentLoaderOptions { SeparatorChar = '"' }));
        Assert.Throws<ArgumentOutOfRangeException>(() => corpus.Load(new DocumentLoaderOptions { SeparatorChar = 'ä' }));
        Assert.Throws<ArgumentException>(() => corpus.Load(new DocumentLoaderOptions { TextField = "" }));
        Assert.Throws<ArgumentException>(() => corpus.Load(new DocumentLoaderOptions { LabelField = "" }));
        Assert.Throws<ArgumentException>(() => corpus.Load(new DocumentLoaderOptions { HasHeader = false }));
    }

    [Fact]
    public void Memory_DoesNotGrowWithTheCorpus()
    {
        using var corpus = new Corpus();
        string line = $"{{\"text\":\"{new string('x', 1000)}\"}}\n", record = $"\"{new string('y', 1000)}\"\n";
        corpus.Write("a.jsonl", string.Concat(Enumerable.Repeat(line, 30_000))).Write("b.csv", "text\n" + string.Concat(Enumerable.Repeat(record, 30_000)));
        var data = corpus.Load();
        using var cursor = data.GetRowCursor(data.Schema);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        int rows = 0;
        while (cursor.MoveNext())
        {
            if (++rows % 10_000 == 0)
                Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4 << 20);
        }
        Assert.Equal(60_000, rows);
    }

    [Fact]
    public void Values_AreReadOnARowOnly_AndOfTheirTypes()
    {
        using var corpus = new Corpus().Write("a.txt", "one");
        var data = corpus.Load();
        using var cursor = data.GetRowCursor([data.Schema["Text"]]);
        Assert.True(cursor.IsColumnActive(data.Schema["Text"]));
        Assert.False(cursor.IsColumnActive(data.Schema["Label"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Label"]));
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(data.Schema["Text"]));
        var text = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Text"]);
        ReadOnlyMemory<char> value = default;
        Assert.Throws<InvalidOperationException>(() => text(ref value));
        Assert.Equal(-1, cursor.Position);
        Assert.True(cursor.MoveNext());
        Assert.Equal(0, cursor.Position);
        text(ref value);
        Assert.False(cursor.MoveNext());
        Assert.False(cursor.MoveNext());
        Assert.Throws<InvalidOperationException>(() => text(ref value));
    }

    [Fact]
    public void Pipelines_TrainOnIt()
    {
        using var corpus = new Corpus();
        for (int i = 0; i < 20; i++)
            corpus.Write($"{(i % 2 == 0 ? "animals" : "tools")}/{i}.txt", i % 2 == 0 ? "cat dog otter" : "saw hammer drill");
        var context = corpus.Context;
        var split = context.Data.TrainTestSplit(corpus.Load(), testFraction: 0.3);
        var model = context.Transforms.Conversion.MapValueToKey("Label").Append(context.Transforms.Text.FeaturizeText("Features", "Text"))
            .Append(context.MulticlassClassification.Trainers.SdcaMaximumEntropy()).Fit(split.TrainSet);
        Assert.Equal(1, context.MulticlassClassification.Evaluate(model.Transform(split.TestSet)).MicroAccuracy);
    }

    // Ten of 84 documents are bad.
    private static Corpus Mixed() => new Corpus()
        .Write("text/1.txt", "one")
        .Write("records/2.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => i % 10 == 3 ? "bad\n" : $"{{\"text\":\"json {i}\"}}\n")))
        .Write("records/3.csv", "text,label\n" + string.Concat(Enumerable.Range(0, 40).Select(i => i % 10 == 7 ? "bad\n" : $"csv {i},x\n")))
        .Write("pages/4.html", "<p>page")
        .Write("pages/5.html", "")
        .Write("pages/6.md", [1, 0, 2]);
}
