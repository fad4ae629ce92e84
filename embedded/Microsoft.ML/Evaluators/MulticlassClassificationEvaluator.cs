using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.Data;

/// <summary>Accumulates the multiclass metrics over the rows of a scored view.</summary>
internal sealed class MulticlassClassificationEvaluator
{
    private const float SmallestProbability = 1e-15f;

    private readonly IHost _host;
    private readonly int _topK;
    private double[][] _counts;
    private double[] _classRows;
    private double[] _classLoss;
    private double[] _ranks;
    private double _rows;
    private double _correct;
    private double _loss;
    private long _unknownClass;

    public MulticlassClassificationEvaluator(IHost host, int topK)
    {
        _host = host;
        _topK = topK;
    }

    public MulticlassClassificationMetrics Evaluate(IDataView data, string labelName, string scoreName, string predictedLabelName)
    {
        var label = EvaluationInput.Column(_host, data.Schema, "Label", labelName);
        var score = EvaluationInput.Column(_host, data.Schema, "Score", scoreName);
        EvaluationInput.Column(_host, data.Schema, "PredictedLabel", predictedLabelName);
        if (score.Type is not VectorDataViewType { Size: >= 2 } vector || vector.ItemType != NumberDataViewType.Single)
            throw _host.ExceptSchemaMismatch("schema", "score", score.Name, "vector of two or more items of type Single", score.Type.ToString());
        if (label.Type != NumberDataViewType.Single && label.Type.GetKeyCount() == 0)
            throw _host.ExceptSchemaMismatch("schema", "label", label.Name, "Single or Key", label.Type.ToString());
        _host.CheckUserArg(_topK <= vector.Size, "topKPredictionCount", $"Must be at most the number of classes, {vector.Size}, but is {_topK}.");

        int classes = vector.Size;
        _counts = Enumerable.Range(0, classes).Select(_ => new double[classes]).ToArray();
        _classRows = new double[classes];
        _classLoss = new double[classes];
        _ranks = new double[classes + 1];
        Accumulate(data, label, score);
        return Summarize(ClassNames(score, classes));
    }

    private void Accumulate(IDataView data, DataViewSchema.Column label, DataViewSchema.Column score)
    {
        long unlabeled = 0, badScores = 0, badLabels = 0;
        using (var cursor = data.GetRowCursor([label, score]))
        {
            var labelGetter = LabelReader.Create(cursor, label);
            var scoreGetter = cursor.GetGetter<VBuffer<float>>(score);
            float labelValue = 0;
            VBuffer<float> buffer = default;
            var scores = new float[_classRows.Length];
            while (cursor.MoveNext())
            {
                _host.CheckAlive();
                labelGetter(ref labelValue);
                if (float.IsNaN(labelValue))
                {
                    unlabeled++;
                    continue;
                }

                if (labelValue < 0 || labelValue != (int)labelValue)
                {
                    badLabels++;
                    continue;
                }

                scoreGetter(ref buffer);
                _host.Check(buffer.Length == scores.Length, $"The scores must have {scores.Length} values, but have {buffer.Length}.");
                buffer.CopyTo(scores);
                if (scores.All(float.IsFinite))
                    Add((int)labelValue, scores);
                else
                    badScores++;
            }
        }

        EvaluationInput.WarnSkipped(_host, unlabeled, badScores, badLabels, "with labels that are either negative or non integers. These instances were ignored");
        EvaluationInput.WarnSkipped(_host, 0, 0, _unknownClass,
            "with class values not seen in the training set. LogLoss is reported higher than usual because of these instances.");
    }

    private void Add(int label, float[] scores)
    {
        bool known = label < scores.Length;
        float own = known ? scores[label] : 0;
        double loss = -Math.Log(known ? Math.Min(1, Math.Max(SmallestProbability, own)) : SmallestProbability);

        // The label's place among the scores; equal scores go to the class that comes first.
        int rank = 0, assigned = 0;
        for (int c = 0; c < scores.Length; c++)
        {
            if (!known || scores[c] > own || (scores[c] == own && c < label))
                rank++;
            if (scores[c] > scores[assigned])
                assigned = c;
        }

        _rows++;
        _loss += loss;
        _ranks[rank]++;
        if (!known)
        {
            _unknownClass++;
            return;
        }

        _classRows[label]++;
        _classLoss[label] += loss;
        _counts[label][rank == 0 ? label : assigned]++;
        if (rank == 0)
            _correct++;
    }

    private MulticlassClassificationMetrics Summarize(string[] names)
    {
        var recalls = _classRows.Select((n, c) => (Rows: n, Recall: _counts[c][c] / n)).Where(x => x.Rows > 0).Select(x => x.Recall).ToArray();
        double logLoss = _rows > 0 ? _loss / _rows : 0;
        double prior = -_classRows.Where(n => n > 0).Sum(n => n * Math.Log(n / _rows)) / _rows;
        double seen = 0;
        double[] topK = _topK == 0 ? null : _ranks.Take(_topK).Select(n => (seen += n) / _rows).ToArray();
        return new MulticlassClassificationMetrics(_rows > 0 ? _correct / _rows : 0, recalls.Length > 0 ? recalls.Average() : 0, logLoss,
            (prior - logLoss) / prior, topK, _classLoss.Select((l, c) => _classRows[c] > 0 ? l / _classRows[c] : 0).ToArray(),
            new ConfusionMatrix(_counts, names, isBinary: false));
    }

    private static string[] ClassNames(DataViewSchema.Column score, int classes)
    {
        if (!score.HasSlotNames(classes))
            return Enumerable.Range(0, classes).Select(c => c.ToString(System.Globalization.CultureInfo.CurrentCulture)).ToArray();
        VBuffer<ReadOnlyMemory<char>> names = default;
        score.GetSlotNames(ref names);
        return names.DenseValues().Select(n => n.ToString()).ToArray();
    }
}
