using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trainers;

/// <summary>
/// Stochastic dual coordinate ascent (Shalev-Shwartz and Zhang 2013) for
/// 1/n sum_i weight_i * sum_{c != y_i} log(1 + exp(s_c - s_{y_i})) + l2 / 2 * |W|^2 + l2 * l1Threshold * |W|,
/// or the logistic loss of the label's sign when there is one weight set. The bias is one more feature of value 1.
/// </summary>
/// <remarks>
/// What is stored are the weights before soft thresholding (the dual combination of the rows); a weight is
/// sign(v) * max(|v| - l1Threshold, 0). One row costs two passes over its entries for all classes.
/// </remarks>
internal sealed class DualCoordinateAscent
{
    private readonly TrainingExamples _examples;
    private readonly int _numSets;
    private readonly int _stride;
    private readonly float _l1;
    private readonly float[] _dual;
    private readonly float[] _normSquared;
    private readonly float[] _combination;
    private readonly float[] _biasCombination;
    private readonly float[] _freeBias;
    private readonly float[] _scores;
    private readonly float[] _updates;
    private (float[] Combination, float[] Bias, float[] FreeBias)? _kept;

    /// <param name="examples">The training set; labels are classes from 0, or 0 and 1 when there is one weight set.</param>
    /// <param name="numSets">Number of weight sets: the number of classes, or 1 for two classes.</param>
    /// <param name="l1Threshold">Soft threshold of the weights, in units of the weights.</param>
    public DualCoordinateAscent(TrainingExamples examples, int numSets, float l1Threshold)
    {
        _examples = examples;
        _numSets = numSets;
        _l1 = l1Threshold;
        int width = Vector<float>.Count;
        _stride = numSets == 1 ? 1 : (numSets + width - 1) / width * width;
        long parameters = (long)examples.NumFeatures * _stride;
        if (parameters > Array.MaxLength)
            throw new InvalidOperationException(
                $"The number of weights (features * classes) may be at most {Array.MaxLength}, but is {parameters}. Use fewer features.");
        _combination = new float[parameters];
        _biasCombination = new float[_stride];
        _freeBias = new float[_stride];
        _scores = new float[_stride];
        _updates = new float[_stride];
        _dual = new float[(long)examples.NumRows * numSets];
        _normSquared = new float[examples.NumRows];
        for (int row = 0; row < examples.NumRows; row++)
        {
            float sum = 0;
            foreach (float value in examples.Values(row))
                sum += value * value;
            _normSquared[row] = sum;
        }
    }

    public required float L2 { get; init; }

    public required float BiasLearningRate { get; init; }

    /// <summary>Extra weight of rows with a positive label, for one weight set.</summary>
    public float PositiveInstanceWeight { get; init; } = 1;

    /// <summary>The objective at the current weights, as of the last <see cref="RelativeGap"/>.</summary>
    public double Loss { get; private set; }

    public float Bias(int set) => RegularizedBias(set) + _freeBias[set];

    public VBuffer<float> Weights(int set)
    {
        var values = new List<float>();
        var indices = new List<int>();
        for (int feature = 0; feature < _examples.NumFeatures; feature++)
        {
            float weight = Weight(set, feature);
            if (weight == 0)
                continue;
            values.Add(weight);
            indices.Add(feature);
        }

        return values.Count == _examples.NumFeatures
            ? new VBuffer<float>(values.Count, values.ToArray())
            : new VBuffer<float>(_examples.NumFeatures, values.Count, values.ToArray(), indices.ToArray());
    }

    /// <summary>Keeps the current weights for <see cref="Restore"/>.</summary>
    public void Keep()
    {
        _kept ??= (new float[_combination.Length], new float[_stride], new float[_stride]);
        _combination.CopyTo(_kept.Value.Combination, 0);
        _biasCombination.CopyTo(_kept.Value.Bias, 0);
        _freeBias.CopyTo(_kept.Value.FreeBias, 0);
    }

    public void Restore()
    {
        _kept.Value.Combination.CopyTo(_combination, 0);
        _kept.Value.Bias.CopyTo(_biasCombination, 0);
        _kept.Value.FreeBias.CopyTo(_freeBias, 0);
    }

    public float Weight(int set, int feature) => Shrink(_combination[feature * _stride + set]);

    /// <summary>One pass over the rows in the order given.</summary>
    public void Epoch(int[] order, Action checkAlive)
    {
        float perRow = 1 / (L2 * _examples.NumRows);
        foreach (int row in order)
        {
            checkAlive();
            float weight = InstanceWeight(row);
            float normSquared = _normSquared[row] + (BiasLearningRate == 0 ? 1 : 0);
            float invariant = 1 / Math.Max(1, 0.25f + (_numSets == 1 ? 1 : 2) * normSquared * perRow * weight);
            ScoreRow(row);
            if (_numSets == 1)
                UpdateBinary(row, perRow * weight, invariant);
            else
                UpdateClasses(row, perRow * weight, normSquared, invariant);
            AddRow(row);
        }
    }

    /// <summary>The duality gap over the objective; at most this share of the objective can still be gained.</summary>
    public double RelativeGap(Action checkAlive)
    {
        double primal = 0, dual = 0;
        for (int row = 0; row < _examples.NumRows; row++)
        {
            checkAlive();
            ScoreRow(row);
            double weight = InstanceWeight(row);
            if (_numSets == 1)
            {
                bool positive = _examples.Label(row) > 0;
                primal += weight * LogLoss(positive ? _scores[0] : -_scores[0]);
                dual += weight * Entropy(positive ? _dual[row] : -_dual[row]);
                continue;
            }

            int label = (int)_examples.Label(row);
            for (int c = 0; c < _numSets; c++)
            {
                if (c == label)
                    continue;
                primal += weight * LogLoss(_scores[label] - _scores[c]);
                dual += weight * Entropy(_dual[(long)row * _numSets + c]);
            }
        }

        double l1Norm = 0, squaredNorm = 0, coupling = 0;
        for (int feature = 0; feature < _examples.NumFeatures; feature++)
        {
            for (int set = 0; set < _numSets; set++)
            {
                double w = Weight(set, feature);
                l1Norm += Math.Abs(w);
                squaredNorm += w * w;
            }
        }

        for (int set = 0; set < _numSets; set++)
        {
            double bias = RegularizedBias(set);
            l1Norm += Math.Abs(bias);
            squaredNorm += bias * bias;
            coupling += bias * _freeBias[set];
        }

        Loss = primal / _examples.NumRows + L2 * (0.5 * squaredNorm + _l1 * l1Norm);
        double dualLoss = dual / _examples.NumRows - L2 * (0.5 * squaredNorm + coupling);
        return (Loss - dualLoss) / Loss;
    }

    // label * dual stays in [0, 1], where the dual of the log loss is finite: each step is a convex combination.
    private void UpdateBinary(int row, float scale, float invariant)
    {
        float sign = _examples.Label(row) > 0 ? 1 : -1;
        float adjustment = BiasLearningRate * L2 * _biasCombination[0];
        float change = (Sigmoid(-sign * _scores[0]) * sign - _dual[row]) * invariant - adjustment;
        _dual[row] += change;
        _freeBias[0] += adjustment * scale;
        _updates[0] = change * scale;
    }

    private void UpdateClasses(int row, float scale, float normSquared, float invariant)
    {
        int label = (int)_examples.Label(row);
        var dual = _dual.AsSpan(row * _numSets, _numSets);
        float labelDual = 0, labelUpdate = 0, labelAdjustment = 0;
        for (int c = 0; c < _numSets; c++)
        {
            if (c == label)
                continue;
            float margin = _scores[label] + labelUpdate * normSquared - _scores[c];
            float adjustment = BiasLearningRate * L2 * _biasCombination[c];
            float change = (Sigmoid(-margin) - dual[c]) * invariant - adjustment;
            dual[c] += change;
            labelDual -= dual[c];
            labelUpdate += change * scale;
            labelAdjustment -= adjustment;
            _freeBias[c] += adjustment * scale;
            _updates[c] = -change * scale;
        }

        dual[label] = labelDual;
        _freeBias[label] += labelAdjustment * scale;
        _updates[label] = labelUpdate;
    }

    private void ScoreRow(int row)
    {
        var columns = _examples.Columns(row);
        var values = _examples.Values(row);
        for (int set = 0; set < _numSets; set++)
            _scores[set] = Bias(set);
        if (_stride == 1)
        {
            float sum = 0;
            for (int i = 0; i < columns.Length; i++)
                sum += values[i] * Shrink(_combination[columns[i]]);
            _scores[0] += sum;
            return;
        }

        var threshold = new Vector<float>(_l1);
        for (int block = 0; block < _stride; block += Vector<float>.Count)
        {
            var sum = new Vector<float>(_scores, block);
            for (int i = 0; i < columns.Length; i++)
            {
                var v = new Vector<float>(_combination, columns[i] * _stride + block);
                var shrunk = Vector.Max(v - threshold, Vector<float>.Zero) + Vector.Min(v + threshold, Vector<float>.Zero);
                sum += values[i] * shrunk;
            }

            sum.CopyTo(_scores, block);
        }
    }

    private void AddRow(int row)
    {
        var columns = _examples.Columns(row);
        var values = _examples.Values(row);
        for (int set = 0; set < _numSets; set++)
            _biasCombination[set] += _updates[set];
        if (_stride == 1)
        {
            for (int i = 0; i < columns.Length; i++)
                _combination[columns[i]] += values[i] * _updates[0];
            return;
        }

        for (int block = 0; block < _stride; block += Vector<float>.Count)
        {
            var update = new Vector<float>(_updates, block);
            for (int i = 0; i < columns.Length; i++)
            {
                int at = columns[i] * _stride + block;
                (new Vector<float>(_combination, at) + values[i] * update).CopyTo(_combination, at);
            }
        }
    }

    private float InstanceWeight(int row)
        => _numSets == 1 && _examples.Label(row) > 0 ? _examples.Weight(row) * PositiveInstanceWeight : _examples.Weight(row);

    // With a learning rate for the free bias and a threshold, the bias is left to the free part alone.
    private float RegularizedBias(int set)
        => _l1 != 0 && BiasLearningRate != 0 ? 0 : Shrink(_biasCombination[set]);

    private float Shrink(float v) => Math.Max(v - _l1, 0) + Math.Min(v + _l1, 0);

    private static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));

    private static double LogLoss(double margin) => Math.Max(-margin, 0) + Math.Log(1 + Math.Exp(-Math.Abs(margin)));

    private static double Entropy(double p)
    {
        if (p < 0 || p > 1)
            return double.NegativeInfinity;
        return p is 0 or 1 ? 0 : -p * Math.Log(p) - (1 - p) * Math.Log(1 - p);
    }
}
