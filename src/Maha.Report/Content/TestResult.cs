using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Report.Content;

/// <summary>The predictions of a model for test data.</summary>
internal sealed class TestResult
{
    private TestResult(IReadOnlyList<string> labels, IReadOnlyList<JudgedRow> rows, long unlabeled, DataDescription data, ExampleChoice examples)
    {
        (Labels, Rows, Unlabeled, Data) = (labels, rows, unlabeled, data);
        (Right, Wrong) = (examples.Right, examples.Wrong);
    }

    /// <summary>The names of the labels.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The documents with a label.</summary>
    public IReadOnlyList<JudgedRow> Rows { get; }

    /// <summary>The number of documents without a label, or with one that the model does not know; they are left out.</summary>
    public long Unlabeled { get; }

    /// <summary>The size and the hash of the test data.</summary>
    public DataDescription Data { get; }

    /// <summary>Examples of right predictions, of different labels where possible.</summary>
    public IReadOnlyList<JudgedExample> Right { get; }

    /// <summary>The wrong predictions with the highest confidence.</summary>
    public IReadOnlyList<JudgedExample> Wrong { get; }

    /// <summary>Predicts the labels of test data.</summary>
    /// <param name="model">The classifier.</param>
    /// <param name="transformer">The whole model.</param>
    /// <param name="data">The test data.</param>
    /// <param name="examples">The number of right examples and of wrong ones.</param>
    /// <param name="cancellation">Checked before each row.</param>
    /// <exception cref="ArgumentException">There is no document with a label that the model knows.</exception>
    public static TestResult Compute(ReportedModel model, ITransformer transformer, IDataView data, int examples, CancellationToken cancellation)
    {
        var columns = model.Classifier.Manifest.Columns;
        var scored = transformer.Transform(data);
        var (label, text) = (Find(scored, columns.Label, "label"), Find(scored, columns.Text, "text"));
        var score = Find(scored, columns.Probability ?? columns.Score, "score");
        var predicted = Find(scored, columns.PredictedLabel, "predicted label");
        using var cursor = scored.GetRowCursor([label, text, score, predicted]);
        var labelOf = LabelGetter(cursor, cursor.Schema[label.Index], model.Classifier.Labels.Names, model.IsBinary);
        var textOf = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema[text.Index]);
        var predictionOf = PredictionGetter(cursor, cursor.Schema[score.Index], cursor.Schema[predicted.Index], model.IsBinary);
        var rows = new List<JudgedRow>();
        var choice = new ExampleChoice(examples);
        using var hash = new DataHash();
        long unlabeled = 0;
        ReadOnlyMemory<char> value = default;
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            int index = labelOf();
            textOf(ref value);
            hash.Add(index < 0 ? "" : model.Classifier.Labels.Names[index], value.Span);
            if (index < 0)
            {
                unlabeled++;
                continue;
            }
            var (best, probabilities) = predictionOf();
            var row = new JudgedRow(index, best, probabilities[best], probabilities[index], CountWords(value.Span));
            rows.Add(row);
            choice.Add(row, value);
        }
        if (rows.Count == 0)
        {
            throw new ArgumentException(
                $"The test data must have a document with a label of the model, but of {unlabeled} documents none has one. Look at column '{columns.Label}'.",
                nameof(data));
        }
        return new TestResult(model.Classifier.Labels.Names, rows, unlabeled, hash.Complete(), choice);
    }

    /// <summary>Returns a getter of the index of a row's label; -1 if it is missing or not one of the model's.</summary>
    /// <param name="row">The row.</param>
    /// <param name="column">The column of the label.</param>
    /// <param name="labels">The labels of the model.</param>
    /// <param name="isBinary">Whether they are false and true, which a text may have in any case, or as 0 and 1.</param>
    /// <exception cref="ArgumentException">The column has another type.</exception>
    public static Func<int> LabelGetter(DataViewRow row, DataViewSchema.Column column, IReadOnlyList<string> labels, bool isBinary)
    {
        switch (column.Type)
        {
            case BooleanDataViewType:
                var truth = row.GetGetter<bool>(column);
                return () =>
                {
                    bool value = false;
                    truth(ref value);
                    return value ? 1 : 0;
                };
            case KeyDataViewType { Count: var count } when column.Type.RawType == typeof(uint):
                var key = row.GetGetter<uint>(column);
                var names = (LabelNames.FromColumn(column) ?? LabelNames.Numbered((int)count)).Names;
                int[] indices = [.. names.Select(name => TextLabels.IndexOf(labels, name, isBinary))];
                return () =>
                {
                    uint value = 0;
                    key(ref value);
                    return value == 0 || value > indices.Length ? -1 : indices[value - 1];
                };
            case TextDataViewType:
                var text = row.GetGetter<ReadOnlyMemory<char>>(column);
                return () =>
                {
                    ReadOnlyMemory<char> value = default;
                    text(ref value);
                    return TextLabels.IndexOf(labels, value.ToString(), isBinary);
                };
            default:
                throw new ArgumentException(
                    $"The label column '{column.Name}' must be a key, text or Boolean, but is {column.Type}. Map it to a key.", nameof(column));
        }
    }

    /// <summary>Finds a column.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static DataViewSchema.Column Find(IDataView data, string name, string role) => data.Schema.GetColumnOrNull(name)
        ?? throw new ArgumentException(
            $"The data must have the {role} column '{name}', but have {string.Join(", ", data.Schema.Select(column => column.Name))}. " +
            "Pass data with this column.", nameof(data));

    private static Func<(int Best, float[] Probabilities)> PredictionGetter(
        DataViewRow row, DataViewSchema.Column score, DataViewSchema.Column predicted, bool isBinary)
    {
        if (isBinary)
        {
            var probabilityOf = row.GetGetter<float>(score);
            var predictedOf = row.GetGetter<bool>(predicted);
            return () =>
            {
                float probability = 0;
                bool value = false;
                probabilityOf(ref probability);
                predictedOf(ref value);
                return (value ? 1 : 0, [1 - probability, probability]);
            };
        }
        var scoresOf = row.GetGetter<VBuffer<float>>(score);
        VBuffer<float> scores = default;
        return () =>
        {
            scoresOf(ref scores);
            float[] probabilities = [.. scores.DenseValues()];
            return (Array.IndexOf(probabilities, probabilities.Max()), probabilities);
        };
    }

    private static int CountWords(ReadOnlySpan<char> text)
    {
        int count = 0;
        bool inWord = false;
        foreach (char character in text)
        {
            bool isSpace = char.IsWhiteSpace(character);
            count += !isSpace && !inWord ? 1 : 0;
            inWord = !isSpace;
        }
        return count;
    }
}
