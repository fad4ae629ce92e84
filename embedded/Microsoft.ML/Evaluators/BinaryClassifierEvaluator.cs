using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

namespace Microsoft.ML.Data;

/// <summary>Accumulates the binary metrics over the rows of a scored view. Losses and entropies are in bits.</summary>
internal sealed class BinaryClassifierEvaluator
{
    private readonly IHost _host;
    private double _loss;
    private double _lossPositives;
    private double _lossNegatives;

    public BinaryClassifierEvaluator(IHost host, IDataView data, string labelName, string scoreName, string probabilityName, string predictedLabelName)
    {
        _host = host;
        var label = EvaluationInput.Column(host, data.Schema, "Label", labelName);
        var score = EvaluationInput.Column(host, data.Schema, "Score", scoreName);
        DataViewSchema.Column? probability = probabilityName == null ? null : EvaluationInput.Column(host, data.Schema, "Probability", probabilityName);
        EvaluationInput.Column(host, data.Schema, "PredictedLabel", predictedLabelName);
        if (score.Type != NumberDataViewType.Single)
            throw host.ExceptSchemaMismatch("schema", "score", score.Name, "Single", score.Type.ToString());
        if (probability is { } p && p.Type != NumberDataViewType.Single)
            throw host.ExceptSchemaMismatch("schema", "probability", p.Name, "Single", p.Type.ToString());
        if (label.Type != NumberDataViewType.Single && label.Type != NumberDataViewType.Double && label.Type is not BooleanDataViewType && label.Type.GetKeyCount() != 2)
            throw host.ExceptSchemaMismatch("schema", "label", label.Name, "Single, Double, Boolean, or a Key with cardinality 2", label.Type.ToString());

        ClassNames = NamesOf(label);
        Accumulate(data, label, score, probability);
    }

    public string[] ClassNames { get; }

    public double TruePositives { get; private set; }

    public double FalseNegatives { get; private set; }

    public double FalsePositives { get; private set; }

    public double TrueNegatives { get; private set; }

    public double AreaUnderRoc { get; private set; }

    public double AreaUnderPrecisionRecall { get; private set; }

    public double LogLoss
    {
        get
        {
            double rows = _lossPositives + _lossNegatives;
            return double.IsNaN(_loss) ? double.NaN : rows > 0 ? _loss / rows : 0;
        }
    }

    public double LogLossReduction
    {
        get
        {
            double rows = _lossPositives + _lossNegatives;
            if (rows == 0)
                return 0;
            double prior = EntropyOf(_lossPositives / rows);
            return (prior - _loss / rows) / prior;
        }
    }

    public double Entropy => EntropyOf((TruePositives + FalseNegatives) / (TruePositives + TrueNegatives + FalseNegatives + FalsePositives));

    private void Accumulate(IDataView data, DataViewSchema.Column label, DataViewSchema.Column score, DataViewSchema.Column? probability)
    {
        long unlabeled = 0, badScores = 0;
        var ranked = new List<(float Score, bool Positive)>();
        DataViewSchema.Column[] columns = probability is { } p ? [label, score, p] : [label, score];
        using (var cursor = data.GetRowCursor(columns))
        {
            var labelGetter = LabelReader.Create(cursor, label);
            var scoreGetter = cursor.GetGetter<float>(score);
            var probabilityGetter = probability is { } column ? cursor.GetGetter<float>(column) : null;
            float labelValue = 0, scoreValue = 0, probabilityValue = float.NaN;
            while (cursor.MoveNext())
            {
                _host.CheckAlive();
                labelGetter(ref labelValue);
                scoreGetter(ref scoreValue);
                probabilityGetter?.Invoke(ref probabilityValue);
                if (!float.IsFinite(scoreValue))
                    badScores++;
                else if (float.IsNaN(labelValue))
                    unlabeled++;
                else
                    Add(ranked, labelValue > 0, scoreValue, probabilityValue);
            }
        }

        EvaluationInput.WarnSkipped(_host, unlabeled, badScores, 0, "");
        _host.CheckParam(ranked.Any(r => r.Positive), "PosSample", "AUC is not defined when there is no positive class in the data");
        _host.CheckParam(ranked.Any(r => !r.Positive), "NegSample", "AUC is not defined when there is no negative class in the data");
        var descending = ranked.OrderByDescending(r => r.Score).ToArray();
        AreaUnderRoc = RocArea(descending);
        AreaUnderPrecisionRecall = PrecisionRecallArea(descending);
    }

    private void Add(List<(float Score, bool Positive)> ranked, bool positive, float score, float probability)
    {
        ranked.Add((score, positive));
        bool predicted = score > 0;
        if (positive && predicted)
            TruePositives++;
        else if (positive)
            FalseNegatives++;
        else if (predicted)
            FalsePositives++;
        else
            TrueNegatives++;

        _loss -= Math.Log2(positive ? probability : 1.0 - probability);
        if (float.IsNaN(probability))
            return;
        if (positive)
            _lossPositives++;
        else
            _lossNegatives++;
    }

    // The share of (positive, negative) pairs in the right order; a tie is half right.
    private static double RocArea((float Score, bool Positive)[] descending)
    {
        double area = 0, positives = 0, negatives = 0;
        for (int i = 0; i < descending.Length;)
        {
            double tiedPositives = 0, tiedNegatives = 0;
            float score = descending[i].Score;
            for (; i < descending.Length && descending[i].Score == score; i++)
            {
                if (descending[i].Positive)
                    tiedPositives++;
                else
                    tiedNegatives++;
            }

            area += tiedNegatives * (positives + 0.5 * tiedPositives);
            positives += tiedPositives;
            negatives += tiedNegatives;
        }

        return area / (positives * negatives);
    }

    // Trapezoids between the points at the positives, from the precision just before each of them.
    private static double PrecisionRecallArea((float Score, bool Positive)[] descending)
    {
        double area = 0, truePositives = 0, precision = 1, recall = 0;
        double positives = descending.Count(r => r.Positive);
        for (int i = 0; i < descending.Length; i++)
        {
            double before = precision;
            if (descending[i].Positive)
                truePositives++;
            precision = truePositives / (i + 1);
            if (!descending[i].Positive)
                continue;
            area += (truePositives / positives - recall) * (before + precision) / 2;
            recall = truePositives / positives;
        }

        return area;
    }

    private static double EntropyOf(double p) => p is 0 or 1 ? 0 : -p * Math.Log2(p) - (1 - p) * Math.Log2(1 - p);

    private static string[] NamesOf(DataViewSchema.Column label)
    {
        if (!label.HasKeyValues())
            return ["positive", "negative"];
        VBuffer<ReadOnlyMemory<char>> names = default;
        label.GetKeyValues(ref names);
        return names.DenseValues().Select(n => n.ToString()).ToArray();
    }
}
