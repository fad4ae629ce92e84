using System.Globalization;
using Maha.MLNet.Rows;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests;

/// <summary>A view's cursor reads ahead and computes several documents together, which must not change any value.</summary>
[Collection(FittedCollection.Name)]
public class LookaheadCursorTests(FittedModels fitted)
{
    private static readonly string?[] s_texts = Mixed(150);

    [Fact]
    public void Classifier_PredictsRowsOfAView_AsAlone()
        => Agree(fitted.Binary, fitted.MLContext, s_texts, "Score", "Probability", "PredictedLabel");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ClassifierOfManyClasses_PredictsRowsOfAView_AsAlone(bool ngrams)
    {
        using var model = Toys.Trainer(fitted.MLContext, options => (options.NGrams, options.MaxSequenceLength) = (ngrams, 1024))
            .Fit(Toys.Keyed(fitted.MLContext, Toys.Documents(30)));
        Agree(model, fitted.MLContext, s_texts, "Score", "PredictedLabel");
    }

    [Theory]
    [InlineData(Layers.Attention.AttentionKind.Hsa)]
    [InlineData(Layers.Attention.AttentionKind.Full)]
    [InlineData(Layers.Attention.AttentionKind.Window)]
    public void EveryAttention_PredictsRowsOfAView_AsAlone(Layers.Attention.AttentionKind attention)
    {
        using var model = Toys.BinaryTrainer(fitted.MLContext, options => options.Attention = attention).Fit(fitted.Verdicts);
        Agree(model, fitted.MLContext, s_texts, "Score");
    }

    [Fact]
    public void Encoder_EncodesRowsAndSegmentsOfAView_AsAlone()
    {
        using var model = Encoders.Fit(fitted.MLContext, fitted.Training, options => (options.SegmentColumnName, options.MaxSequenceLength) = ("Parts", 1024));
        Agree(model, fitted.MLContext, [.. s_texts, "A cat. A dog.\n\nThe saw. " + Toys.Filler(new Random(3), 900) + ". Rain."], "Features", "Parts");
    }

    [Fact]
    public void LanguageModel_ScoresRowsOfAView_AsAlone()
    {
        using var model = LanguageModel.LanguageToys.Estimator(fitted.MLContext).Fit(LanguageModel.LanguageToys.Data(fitted.MLContext));
        Agree(model, fitted.MLContext, s_texts[..20], "LogLikelihood", "Perplexity");
    }

    [Fact]
    public void ColumnsOfEveryType_PassThrough_InOrder()
    {
        var data = fitted.MLContext.Data.LoadFromEnumerable(AllTypes.Rows(200));
        var view = fitted.Binary.Transform(data);
        var expected = fitted.MLContext.Data.CreateEnumerable<AllTypes>(data, reuseRowObject: false).Select(row => row.Show());
        Assert.Equal(expected, fitted.MLContext.Data.CreateEnumerable<AllTypesScored>(view, reuseRowObject: false).Select(row => row.Show()));
    }

    [Fact]
    public void PositionBatchAndId_AreThoseOfTheRow()
    {
        var data = fitted.MLContext.Data.ShuffleRows(fitted.Verdicts, seed: 2);
        using var source = data.GetRowCursor(data.Schema);
        var view = fitted.Binary.Transform(data);
        using var cursor = view.GetRowCursor(view.Schema);
        ValueGetter<DataViewRowId> idOfSource = source.GetIdGetter(), id = cursor.GetIdGetter();
        Assert.Equal(-1, cursor.Position);
        while (source.MoveNext())
        {
            Assert.True(cursor.MoveNext());
            DataViewRowId expected = default, actual = default;
            idOfSource(ref expected);
            id(ref actual);
            Assert.Equal((expected, source.Position, source.Batch), (actual, cursor.Position, cursor.Batch));
        }
        Assert.False(cursor.MoveNext());
        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
    }

    [Fact]
    public void ValueBeforeTheFirstRowOrAfterTheLast_Throws()
    {
        var view = fitted.Binary.Transform(fitted.MLContext.Data.TakeRows(fitted.Verdicts, 3));
        using var cursor = view.GetRowCursor(view.Schema);
        Func<string> score = Rows.Getter(cursor, view.Schema["Score"]), text = Rows.Getter(cursor, view.Schema["Text"]);
        Assert.ThrowsAny<InvalidOperationException>(score);
        Assert.ThrowsAny<InvalidOperationException>(text);
        while (cursor.MoveNext())
            score();
        Assert.ThrowsAny<InvalidOperationException>(score);
        Assert.ThrowsAny<InvalidOperationException>(text);
    }

    [Fact]
    public void TwoCursorsAtOnce_ReadTheirOwnRows()
    {
        var view = fitted.Binary.Transform(fitted.Verdicts);
        var expected = Rows.Of(view);
        using DataViewRowCursor first = view.GetRowCursor(view.Schema), second = view.GetRowCursor(view.Schema);
        Assert.True(first.MoveNext());
        Assert.Equal(expected, Rows.Of(second, view.Schema));
        Assert.Equal(expected[1..], Rows.Of(first, view.Schema));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(40)]
    public void SourceThatThrows_StillGivesTheRowsBefore(int failing)
    {
        var view = fitted.Binary.Transform(
            fitted.MLContext.Data.LoadFromEnumerable(Counted(100, row => { if (row == failing) throw new IOException("the line broke"); })));
        using var cursor = view.GetRowCursor(view.Schema);
        var score = Rows.Getter(cursor, view.Schema["Score"]);
        for (int row = 0; row < failing; row++)
        {
            Assert.True(cursor.MoveNext());
            Assert.NotEmpty(score());
        }
        Assert.Equal("the line broke", Failures.Root(Assert.ThrowsAny<Exception>(() => cursor.MoveNext())).Message);
    }

    [Fact]
    public void ThrowingColumn_ThrowsAtItsRowOnly()
    {
        var data = new Failing(fitted.MLContext.Data.LoadFromEnumerable(Toys.Verdicts(40)), 20, "Text");
        var view = fitted.Binary.Transform(data);
        using var cursor = view.GetRowCursor(view.Schema);
        Func<string> score = Rows.Getter(cursor, view.Schema["Score"]), weight = Rows.Getter(cursor, view.Schema["Weight"]);
        for (int row = 0; cursor.MoveNext(); row++)
        {
            Assert.Equal(row.ToString(CultureInfo.InvariantCulture), weight());
            if (row == 20)
                Assert.Throws<IOException>(score);
            else
                Assert.NotEmpty(score());
        }
    }

    [Fact]
    public void RefusedDocument_ThrowsAtItsRowOnly()
    {
        using var model = Toys.BinaryTrainer(fitted.MLContext, options => options.OverlongDocuments = Layers.Data.OverlongDocuments.Throw).Fit(fitted.Verdicts);
        var documents = Toys.Verdicts(30);
        documents[17].Text = Toys.Filler(new Random(1), 500);
        var view = model.Transform(fitted.MLContext.Data.LoadFromEnumerable(documents));
        using var cursor = view.GetRowCursor(view.Schema);
        var score = Rows.Getter(cursor, view.Schema["Score"]);
        for (int row = 0; cursor.MoveNext(); row++)
        {
            if (row == 17)
                Assert.Contains("must have at most 64 tokens", Assert.Throws<ArgumentException>(score).Message, StringComparison.Ordinal);
            else
                Assert.NotEmpty(score());
        }
    }

    [Fact]
    public void ModelDisposedDuringUse_ThrowsAtTheNextCall()
    {
        using var stream = new MemoryStream(fitted.Zip);
        var model = (IDisposable)fitted.MLContext.Model.Load(stream, out _);
        var view = ((ITransformer)model).Transform(fitted.Training);
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);
        var score = Rows.Getter(cursor, view.Schema["Score"]);
        Assert.True(cursor.MoveNext());
        score();
        model.Dispose();
        Assert.True(cursor.MoveNext());
        Assert.Throws<ObjectDisposedException>(score);
    }

    [Fact]
    public void FirstRow_CostsOneRow_AndNothingIsReadBeforeIt()
    {
        int read = 0;
        var view = fitted.Binary.Transform(fitted.MLContext.Data.LoadFromEnumerable(Counted(1000, _ => read++)));
        using var cursor = view.GetRowCursor(view.Schema);
        var score = Rows.Getter(cursor, view.Schema["Score"]);
        Assert.Equal(0, read);
        Assert.True(cursor.MoveNext());
        score();
        Assert.Equal(1, read);
        for (int row = 1; row < 500; row++)
        {
            Assert.True(cursor.MoveNext());
            Assert.InRange(read, row, Math.Min(2 * row + 1, row + LookaheadCursor.MaxRows));
        }
    }

    [Fact]
    public void LongDocuments_AreNotReadFarAhead()
    {
        int read = 0;
        string text = Toys.Filler(new Random(1), 100_000);
        var view = fitted.Binary.Transform(fitted.MLContext.Data.LoadFromEnumerable(Counted(30, _ => read++, text)));
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);
        for (int row = 1; cursor.MoveNext(); row++)
            Assert.InRange(read, row, row + 1);
    }

    [Fact]
    public void WithoutAnAddedColumn_NothingIsReadAhead()
    {
        int read = 0;
        var view = fitted.Binary.Transform(fitted.MLContext.Data.LoadFromEnumerable(Counted(30, _ => read++)));
        using var cursor = view.GetRowCursor([view.Schema["Text"], view.Schema["Weight"]]);
        for (int row = 1; cursor.MoveNext(); row++)
            Assert.Equal(row, read);
    }

    [Fact]
    public void CursorDisposedEarly_DisposesItsSource_AndHasNoMoreRows()
    {
        var source = new WatchedView(fitted.MLContext.Data.LoadFromEnumerable(Toys.Verdicts(50)));
        var view = fitted.Binary.Transform(source);
        var cursor = view.GetRowCursor(view.Schema);
        for (int row = 0; row < 5; row++)
            Assert.True(cursor.MoveNext());
        Assert.Equal((1, 0), (source.Opened, source.Disposed));
        cursor.Dispose();
        Assert.Equal((1, 1), (source.Opened, source.Disposed));
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void ReturnedVector_BelongsToTheCaller()
    {
        var data = fitted.MLContext.Data.LoadFromEnumerable(AllTypes.Rows(20));
        var view = fitted.Binary.Transform(data);
        using var cursor = view.GetRowCursor([view.Schema["Vector"], view.Schema["Score"]]);
        var vector = cursor.GetGetter<VBuffer<float>>(view.Schema["Vector"]);
        VBuffer<float> value = default;
        for (int row = 0; cursor.MoveNext(); row++)
        {
            for (int time = 0; time < 2; time++)
            {
                vector(ref value);
                Assert.Equal(AllTypes.VectorOf(row), value.DenseValues());
                var editor = VBufferEditor.CreateFromBuffer(ref value);
                editor.Values.Fill(-1);
            }
        }
    }

    [Fact]
    public void ObjectsThatCannotBeCopied_AreReadRowByRow()
    {
        Assert.False(ColumnBuffer.CanHold(typeof(Verdict)));
        Assert.False(ColumnBuffer.CanHold(typeof(VBuffer<Verdict>)));
        Assert.True(ColumnBuffer.CanHold(typeof(VBuffer<ReadOnlyMemory<char>>)));
        int read = 0;
        var data = new Failing(fitted.MLContext.Data.LoadFromEnumerable(Counted(30, _ => read++)), -1, "Text", objects: true);
        var view = fitted.Binary.Transform(data);
        using var cursor = view.GetRowCursor(view.Schema);
        var shown = cursor.GetGetter<Verdict>(view.Schema["Object"]);
        var score = Rows.Getter(cursor, view.Schema["Score"]);
        Verdict value = null!;
        for (int row = 1; cursor.MoveNext(); row++)
        {
            shown(ref value);
            Assert.NotEmpty(score());
            Assert.Equal((row, row - 1f), (read, value.Weight));
        }
    }

    // Documents of similar and of different lengths: empty, null, of a few tokens, and longer than the model's limit.
    private static string?[] Mixed(int count)
    {
        var random = new Random(5);
        return [.. Enumerable.Range(0, count).Select(i => (i % 11) switch
        {
            0 => i % 2 == 0 ? "" : null,
            1 => Toys.Filler(random, 700 + i),
            2 => "rain",
            _ => Toys.Text(random, i % 3, random.Next(1, 40)),
        })];
    }

    private static void Agree(ITransformer model, MLContext mlContext, string?[] texts, params string[] columns)
    {
        var data = mlContext.Data.LoadFromEnumerable(texts.Select(text => new Verdict { Text = text }));
        // Row by row, as a prediction engine does.
        var mapper = model.GetRowToRowMapper(data.Schema);
        var view = model.Transform(data);
        foreach (string[]? active in columns.Select(name => new[] { name }).Append(columns))
        {
            using var source = data.GetRowCursor(data.Schema);
            using var alone = mapper.GetRow(source, mapper.OutputSchema);
            using var cursor = view.GetRowCursor(active.Select(name => view.Schema[name]));
            var pairs = active.Select(name => (Alone: Numbers(alone, view.Schema[name]), Together: Numbers(cursor, view.Schema[name]))).ToList();
            for (int i = 0; i < texts.Length; i++)
            {
                Assert.True(source.MoveNext() && cursor.MoveNext());
                foreach (var (one, together) in pairs)
                {
                    float[] expected = one(), actual = together();
                    Assert.Equal(expected.Length, actual.Length);
                    for (int k = 0; k < expected.Length; k++)
                        Assert.True(Rows.AreAlike(expected[k], actual[k]), $"row {i}, number {k}: {expected[k]} alone, {actual[k]} in the view");
                }
            }
            Assert.False(cursor.MoveNext());
        }
    }

    private static Func<float[]> Numbers(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType)
        {
            var vector = row.GetGetter<VBuffer<float>>(column);
            VBuffer<float> value = default;
            return () =>
            {
                vector(ref value);
                return [.. value.DenseValues()];
            };
        }
        var shown = Rows.Getter(row, column);
        return () => shown() is var text && bool.TryParse(text, out bool isTrue) ? [isTrue ? 1 : 0] : [float.Parse(text, CultureInfo.InvariantCulture)];
    }

    private static IEnumerable<Verdict> Counted(int count, Action<int> onRead, string? text = null)
    {
        for (int row = 0; row < count; row++)
        {
            onRead(row);
            yield return new Verdict { Text = text ?? $"the cat number {row}", Weight = row };
        }
    }

    private sealed class AllTypesScored : AllTypes
    {
        public float Score { get; set; }
    }

    private class AllTypes
    {
        public string? Text { get; set; }

        public bool Truth { get; set; }

        public double Number { get; set; }

        public long Whole { get; set; }

        public byte Small { get; set; }

        public DateTime Date { get; set; }

        public TimeSpan Span { get; set; }

        [KeyType(1000)]
        public uint Key { get; set; }

        [VectorType(3)]
        public float[]? Vector { get; set; }

        public VBuffer<double> Sparse { get; set; }

        public string[]? Words { get; set; }

        public static IEnumerable<AllTypes> Rows(int count)
            => Enumerable.Range(0, count).Select(row => new AllTypes
            {
                Text = $"a dog and a cat {row}",
                Truth = row % 3 == 0,
                Number = row / 7.0,
                Whole = 1L << (row % 60),
                Small = (byte)row,
                Date = new DateTime(2026, 1, 1).AddDays(row),
                Span = TimeSpan.FromSeconds(row),
                Key = (uint)row % 1000 + 1,
                Vector = [.. VectorOf(row)],
                Sparse = new VBuffer<double>(9, 1, [row], [row % 9]),
                Words = [.. Enumerable.Repeat($"w{row}", row % 4)],
            });

        public static float[] VectorOf(int row) => [row, row + 0.5f, -row];

        public string Show() => string.Create(CultureInfo.InvariantCulture,
            $"{Text} {Truth} {Number:R} {Whole} {Small} {Date:O} {Span} {Key} {string.Join(',', Vector!)} "
            + $"{string.Join(',', Sparse.DenseValues())} {string.Join(',', Words ?? [])}");
    }

    /// <summary>A view in which reading one value throws, or with a last column of objects.</summary>
    private sealed class Failing(IDataView source, int row, string columnName, bool objects = false) : IDataView
    {
        public DataViewSchema Schema { get; } = objects ? WithObjects(source.Schema) : source.Schema;

        public bool CanShuffle => false;

        public long? GetRowCount() => source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
            => new Cursor(this, source.GetRowCursor(source.Schema), row, columnName);

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
            => [GetRowCursor(columnsNeeded, rand)];

        private static DataViewSchema WithObjects(DataViewSchema schema)
        {
            var builder = new DataViewSchema.Builder();
            builder.AddColumns(schema);
            builder.AddColumn("Object", new ObjectType());
            return builder.ToSchema();
        }

        private sealed class ObjectType() : StructuredDataViewType(typeof(Verdict))
        {
            public override bool Equals(DataViewType? other) => other is ObjectType;

            public override bool Equals(object? obj) => obj is ObjectType;

            public override int GetHashCode() => 1;
        }

        private sealed class Cursor(Failing view, DataViewRowCursor input, int row, string columnName) : DataViewRowCursor
        {
            public override DataViewSchema Schema => view.Schema;

            public override long Position => input.Position;

            public override long Batch => input.Batch;

            public override bool MoveNext() => input.MoveNext();

            public override bool IsColumnActive(DataViewSchema.Column column) => true;

            public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            {
                if (column.Index == input.Schema.Count)
                    return (ValueGetter<TValue>)(Delegate)(ValueGetter<Verdict>)((ref Verdict value) => value = new Verdict { Weight = Position });
                var getter = input.GetGetter<TValue>(input.Schema[column.Index]);
                return column.Name != columnName ? getter : (ref TValue value) =>
                {
                    if (Position == row)
                        throw new IOException("this text cannot be read");
                    getter(ref value);
                };
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                    input.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
