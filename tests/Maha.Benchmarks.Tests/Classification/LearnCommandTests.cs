using Maha.Benchmarks.Classification;
using Maha.Layers.Attention;
using Maha.MLNet.Tests;
using TorchSharp;

namespace Maha.Benchmarks.Tests.Classification;

public sealed class LearnCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TinyFiles_AreTrainedOn_AndAnInterruptedRunResumes()
    {
        string train = Write("train,1.tsv", Toys.Documents(40)),
            test = Write("test.tsv", Toys.Documents(10, seed: 2)), log = Path.Combine(_folder, "results.jsonl");
        string[] arguments =
        [
            "--data", train, "--test", test, "--out", log, "--threads", $"{torch.get_num_threads()}", "--skip", "default", "--seeds", "2",
            "--options", "MaxTokens=32,DModel=16,NumLayers=1,NumberOfEpochs=1",
        ];
        Assert.Equal(ExitCode.Success, LearnCommand.Run(arguments));
        var records = LearnLog.Read(log);
        Assert.Equal(["baseline 1", "baseline 2", "MaxTokens=32,DModel=16,NumLayers=1,NumberOfEpochs=1 1",
            "MaxTokens=32,DModel=16,NumLayers=1,NumberOfEpochs=1 2"],
            records.Select(record => $"{record.Variant} {record.Seed}"));
        Assert.All(records, record => Assert.Equal(10, record.Judgment.Count));
        Assert.All(records[..2], record => Assert.Equal(1, record.Judgment.Accuracy)); // a bag of words tells the toys apart

        Assert.Equal(ExitCode.Success, LearnCommand.Run(arguments));
        Assert.Equal(4, LearnLog.Read(log).Count);
        File.AppendAllText(train, "animals\tone more cat\n"); // another file under the same name
        Assert.Equal(ExitCode.Success, LearnCommand.Run([.. arguments[..^2], "--seed", "1"]));
        Assert.Equal(5, LearnLog.Read(log).Count);
    }

    [Fact]
    public void EmptyTexts_AreLearnedByAll()
    {
        string path = Write(
            "empty.tsv", Toys.Documents(30).Select((document, i) => i % 2 == 0 ? document : new Document { Label = document.Label, Text = "" }));
        Assert.Equal(ExitCode.Success, LearnCommand.Run(["--data", path, "--test", path, "--threads",
            $"{torch.get_num_threads()}", "--skip", "default", "--options", "DModel=16,NumLayers=1,NumberOfEpochs=1"]));
    }

    [Fact]
    public void EveryFold_IsTestedByTheOthers()
    {
        string path = Path.Combine(_folder, "folds.tsv"), log = Path.Combine(_folder, "results.jsonl");
        File.WriteAllLines(path, Toys.Documents(30).Select((document, i) => $"{document.Label}\t{document.Text}\t{i % 3}"));
        Assert.Equal(ExitCode.Success, LearnCommand.Run(["--folds", path, "--out", log, "--skip", "default", "--threads", $"{torch.get_num_threads()}"]));
        Assert.Equal(["0 10", "1 10", "2 10"], LearnLog.Read(log).Select(record => $"{record.Fold} {record.Judgment.Count}"));
    }

    [Fact]
    public void AnyText_IsReadAsItIs()
    {
        string path = Path.Combine(_folder, "any.tsv");
        File.WriteAllText(path, "\uFEFFa b\t\"quoted \u240A first\u240A \u240A \u240A more\ttabs\r\n\n1\tlone \r return\nempty\t\nno end\tlast");
        var documents = LabeledFile.Read(path, hasFolds: false);
        Assert.Equal(["a b", "1", "empty", "no end"], documents.Select(document => document.Label));
        Assert.Equal(["\"quoted\nfirst\u240A\n\nmore\ttabs", "lone \r return", "", "last"], documents.Select(document => document.Text));
    }

    [Theory]
    [InlineData("no tab\n", false, "line 1 of '*' has no TAB: 'no tab'")]
    [InlineData("a\tb\n\tno label\n", false, "line 2 of '*' begins with a TAB")]
    [InlineData("a\ttext\n", true, "line 1 of '*' has one TAB")]
    [InlineData("a\ttext\t\n", true, "line 1 of '*' ends with a TAB")]
    [InlineData("\n", false, "holds no documents")]
    public void FileOfAnotherFormat_IsRefused(string content, bool hasFolds, string message)
    {
        string path = Path.Combine(_folder, "bad.tsv");
        File.WriteAllText(path, content);
        var refusal = Assert.Throws<UsageException>(() => LabeledFile.Read(path, hasFolds));
        Assert.Contains(message.Replace("*", path), refusal.Message);
    }

    [Theory]
    [InlineData("Nonsense=1", "there is no 'Nonsense'")]
    [InlineData("DModel", "takes NAME=VALUE")]
    [InlineData("DModel=wide", "DModel must be a value of Int32, but is 'wide'")]
    [InlineData("Attention=none", "Attention must be one of MahaReference, Maha")]
    [InlineData("DModel=13", "13 % 4 = 1")]
    public void AWrongVariant_IsRefused(string text, string message)
        => Assert.Contains(message, Assert.Throws<UsageException>(() => LearnVariant.Parse(text)).Message);

    [Fact]
    public void AVariant_ChangesTheOptionsItNames()
    {
        var options = LearnVariant.Parse("maxtokens=512,Attention=hsa,Dropout=0.25,EarlyStoppingPatience=null").CreateOptions();
        Assert.Equal((512, AttentionKind.Hsa, 0.25, null), (options.MaxSequenceLength, options.Attention, options.Dropout, options.EarlyStoppingPatience));
        Assert.NotEqual(LearnVariant.Default(null).Settings, LearnVariant.Parse("Dropout=0.25").Settings);
        Assert.Equal(LearnVariant.Default(null).Settings, LearnVariant.Parse("NumLayers=" + LearnVariant.Default(null).CreateOptions().NumLayers).Settings);
    }

    [Fact]
    public void ASample_KeepsTheClassesInProportion()
    {
        List<LabeledDocument> documents = [.. Enumerable.Range(0, 100).Select(i => new LabeledDocument(i % 10 == 0 ? "rare" : "frequent", $"{i}", ""))];
        var sample = LearnCommand.Sample(documents, 20, seed: 1);
        Assert.Equal(20, sample.Distinct().Count());
        Assert.Equal(2, sample.Count(document => document.Label == "rare"));
        Assert.NotEqual(sample, LearnCommand.Sample(documents, 20, seed: 2));
        Assert.Equal(documents, LearnCommand.Sample(documents, 200, seed: 1));
    }

    [Fact]
    public void ResultsOfSeveralWriters_DoNotMix()
    {
        string log = Path.Combine(_folder, "shared.jsonl");
        Parallel.For(0, 32, new ParallelOptions { MaxDegreeOfParallelism = 4 }, seed => LearnLog.Append(log, new LearnRecord
        {
            Files = "",
            Data = "",
            Variant = "",
            Settings = new string('x', 10_000),
            Seed = seed,
            Fold = "",
            Build = "",
            Judgment = new Judgment { PeakMegabytes = double.NaN },
        }));
        Assert.Equal(Enumerable.Range(0, 32), LearnLog.Read(log).Select(record => record.Seed).Order());
        File.AppendAllText(log, "{}\n");
        Assert.Contains("line 33", Assert.Throws<UsageException>(() => LearnLog.Read(log)).Message);
    }

    [Fact]
    public void ResultFile_IsCheckedBeforeTheTraining()
    {
        Assert.Contains("is a folder", Assert.Throws<UsageException>(() => LearnLog.Read(_folder)).Message);
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.Contains("its folder can't be made", Assert.Throws<UsageException>(() => LearnLog.Read(Path.Combine(file, "results.jsonl"))).Message);
        string log = Path.Combine(_folder, "new", "results.jsonl");
        Assert.Empty(LearnLog.Read(log));
        Assert.True(Directory.Exists(Path.GetDirectoryName(log)));
    }

    private string Write(string name, IEnumerable<Document> documents)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllLines(path, documents.Select(document => $"{document.Label}\t{document.Text}"));
        return path;
    }
}
