using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Data;

public sealed class TextLoaderTests : IDisposable
{
    private readonly MLContext _context = new(1);
    private readonly string _path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".tsv");

    public void Dispose() => File.Delete(_path);

    private sealed class Row
    {
        [LoadColumn(0)]
        public int Label { get; set; }
        [LoadColumn(1)]
        public string? Name { get; set; }
        [LoadColumn(2, 4)]
        [VectorType(3)]
        public float[]? Values { get; set; }
    }

    private sealed class Variable
    {
        public string[]? Words { get; set; }
    }

    private const string Untidy =
        "#comment\n//c\n\nLabel\tName\tA\tB\tC\n1\t\"q \"\"x\"\" y\"\t1.5\t\t-3\n0\t plain  \t?\t2e3\tNA\n//skip\n1\t#x\t  7\t8\t9  \n\n2\t\"un closed\t1\t2\t3\n3\ta\"b\t4\t5\t6\t7\t8\n4\tshort\n";

    private Row[] Load(string text, char separator = '\t', bool hasHeader = false, bool allowQuoting = false, bool trimWhitespace = false, bool allowSparse = false)
    {
        File.WriteAllText(_path, text);
        return [.. _context.Data.CreateEnumerable<Row>(_context.Data.LoadFromTextFile<Row>(_path, separator, hasHeader, allowQuoting, trimWhitespace, allowSparse), false)];
    }

    [Fact]
    public void CommentsAndEmptyLines_AreNoRows()
    {
        Row[] rows = Load(Untidy, hasHeader: true);

        Assert.Equal([1, 0, 1, 2, 3, 4], rows.Select(r => r.Label));
        Assert.Equal(["\"q \"\"x\"\" y\"", "plain  ", "#x", "\"un closed", "a\"b", "short"], rows.Select(r => r.Name));
        Assert.Equal(["1.5,0,-3", "NaN,2000,NaN", "7,8,9", "1,2,3", "4,5,6", "0,0,0"], rows.Select(r => string.Join(",", r.Values!)));
    }

    [Fact]
    public void Quotes_HoldSeparatorsAndDoubledQuotes()
    {
        Row[] rows = Load("1,\"a,b \"\"c\"\"\",1,2,3\n2,d\"e,4,5,6\n3,\"open,1,2,3\n", ',', allowQuoting: true);

        Assert.Equal(["a,b \"c\"", "d\"e", ""], rows.Select(r => r.Name));
    }

    [Fact]
    public void TrimWhitespace_CutsTheEndOfTheLine()
    {
        Assert.Equal("plain", Load("1\t plain  \n", trimWhitespace: true).Single().Name);
        Assert.Equal("plain  ", Load("1\t plain  \n").Single().Name);
        Assert.Equal("plain  ", Load("1\t plain  \t1\t2\t3\n", trimWhitespace: true).Single().Name);
    }

    [Fact]
    public void SparseFields_FillTheirSlots()
    {
        Row[] rows = Load("1 x 3 0:1.5 2:7\n0 y 3 1:2\n2 z 5 6 7\n", ' ', allowSparse: true);

        Assert.Equal(["1.5,0,7", "0,2,0", "5,6,7"], rows.Select(r => string.Join(",", r.Values!)));
    }

    [Fact]
    public void HeaderOfTheSample_NamesTheSlots()
    {
        File.WriteAllText(_path, Untidy);
        IDataView data = _context.Data.CreateTextLoader<Row>(hasHeader: true, dataSample: new MultiFileSource(_path)).Load(_path);

        VBuffer<ReadOnlyMemory<char>> names = default;
        data.Schema["Values"].GetSlotNames(ref names);
        Assert.Equal(["A", "B", "C"], names.DenseValues().Select(n => n.ToString()));
        Assert.Empty(data.Schema["Name"].Annotations.Schema);
        Assert.Empty(_context.Data.LoadFromTextFile<Row>(_path, hasHeader: true).Schema["Values"].Annotations.Schema);
    }

    [Fact]
    public void MissingReals_AreZeroOrNaN()
    {
        File.WriteAllText(_path, "1\tx\t\t2\t?\n");
        var options = new TextLoader.Options { Columns = [new("Values", DataKind.Single, 2, 4)] };

        Assert.Equal([0f, 2f, float.NaN], _context.Data.LoadFromTextFile(_path, options).GetColumn<float[]>("Values").Single());
        options.MissingRealsAsNaNs = true;
        Assert.Equal([float.NaN, 2f, float.NaN], _context.Data.LoadFromTextFile(_path, options).GetColumn<float[]>("Values").Single());
    }

    [Fact]
    public void QuotedFields_MaySpanLines()
    {
        File.WriteAllText(_path, "1,\"a\nb\",x\n2,c,\"d\"\n");
        var options = new TextLoader.Options { Separators = [','], AllowQuoting = true, ReadMultilines = true, Columns = [new("A", DataKind.Int32, 0), new("T", DataKind.String, 1, 2)] };
        IDataView data = _context.Data.LoadFromTextFile(_path, options);

        Assert.Equal(["a\nb", "x", "c", "d"], data.GetColumn<string[]>("T").SelectMany(t => t));
    }

    [Fact]
    public void VariableRange_TakesTheRestOfTheLine()
    {
        File.WriteAllText(_path, "1\ta\tb\tc\n2\td\n");
        IDataView data = _context.Data.LoadFromTextFile(_path, [new TextLoader.Column("Words", DataKind.String, [new TextLoader.Range { Min = 1, VariableEnd = true }])]);

        Assert.Equal(["a,b,c", "d"], _context.Data.CreateEnumerable<Variable>(data, false).Select(r => string.Join(",", r.Words!)));
    }

    [Fact]
    public void KeyColumns_CountFromOne_AndLoseWhatIsTooLarge()
    {
        File.WriteAllText(_path, "0\n2\n3\nx\n\n");
        IDataView data = _context.Data.LoadFromTextFile(_path, [new TextLoader.Column("K", DataKind.UInt32, [new TextLoader.Range(0)], new KeyCount(3))]);

        Assert.Equal("Key<UInt32, 0-2>", data.Schema["K"].Type.ToString());
        Assert.Equal([1u, 3u, 0u, 0u], data.GetColumn<uint>("K"));
    }

    [Fact]
    public void UnreadableReal_IsMissing_AndUnreadableInteger_Throws()
    {
        File.WriteAllText(_path, "abc\t1\n");

        Assert.Equal([float.NaN], _context.Data.LoadFromTextFile(_path, [new TextLoader.Column("A", DataKind.Single, 0)]).GetColumn<float>("A"));
        FormatException error = Assert.Throws<FormatException>(() => _context.Data.LoadFromTextFile(_path, [new TextLoader.Column("A", DataKind.Int32, 0)]).GetColumn<int>("A").ToArray());
        Assert.Contains("abc in line 1, column A", error.Message);
    }

    [Fact]
    public void Files_AreReadOneAfterTheOther()
    {
        string second = _path + "2";
        File.WriteAllText(_path, "H\n1\n2\n");
        File.WriteAllText(second, "H\n3\n");
        try
        {
            TextLoader loader = _context.Data.CreateTextLoader([new TextLoader.Column("A", DataKind.Int32, 0)], hasHeader: true);
            IDataView data = loader.Load(new MultiFileSource(_path, second));
            Assert.Equal([1, 2, 3], data.GetColumn<int>("A"));
            // Each cursor opens the files anew.
            Assert.Equal([1, 2, 3], data.GetColumn<int>("A"));
        }
        finally
        {
            File.Delete(second);
        }
    }

    [Fact]
    public void MaxRows_EndsTheFile()
    {
        File.WriteAllText(_path, "1\n2\n3\n");
        var options = new TextLoader.Options { MaxRows = 2, Columns = [new("A", DataKind.Int32, 0)] };

        Assert.Equal([1, 2], _context.Data.LoadFromTextFile(_path, options).GetColumn<int>("A"));
    }

    [Fact]
    public void MissingFile_IsNamed()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.LoadFromTextFile<Row>("/no/such/file"));
        Assert.Contains("/no/such/file", error.Message);
    }
}
