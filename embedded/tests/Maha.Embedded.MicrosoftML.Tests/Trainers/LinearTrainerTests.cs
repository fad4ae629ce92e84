using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;

namespace Maha.Embedded.MicrosoftML.Tests.Trainers;

public class LinearTrainerTests
{
    private const int NumFeatures = 7;
    private const double RelativeTolerance = 1e-4;

    private sealed class Example
    {
        [VectorType(NumFeatures)]
        public float[] Features { get; set; } = [];

        public string Class { get; set; } = "";

        public bool Label { get; set; }

        public float Weight { get; set; } = 1;
    }

    private readonly MLContext _context = new(seed: 3);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LbfgsMaximumEntropy_ReachesTheOptimumOfItsDefaults(bool weighted)
    {
        var (problem, view) = Multiclass(weighted);
        var model = _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key", exampleWeightColumnName: weighted ? "Weight" : null).Fit(view).Model;
        var slow = new SlowLogisticSolver(problem.Rows, problem.Labels, problem.Weights, 4);

        // l1 applies per row count, the losses by their weights.
        double l1 = problem.Weights.Sum() / problem.Rows.Length;
        double optimum = slow.Minimize(l1, 1).Value;
        double reached = slow.Objective(Flatten(model), l1, 1);
        Assert.InRange(reached, optimum * (1 - 1e-9), optimum * (1 + RelativeTolerance));
    }

    [Fact]
    public void LbfgsLogisticRegression_ReachesTheOptimumOfItsDefaults()
    {
        var (problem, view) = Binary();
        var model = _context.BinaryClassification.Trainers.LbfgsLogisticRegression().Fit(view).Model;
        var slow = new SlowLogisticSolver(problem.Rows, problem.Labels, problem.Weights, 1);
        double optimum = slow.Minimize(1, 1).Value;
        Assert.InRange(slow.Objective([model.SubModel.Bias, .. model.SubModel.Weights], 1, 1), optimum * (1 - 1e-9), optimum * (1 + RelativeTolerance));
        Assert.Equal(-1, model.Calibrator.Slope);
    }

    [Fact]
    public void SdcaMaximumEntropy_ReachesTheOptimumOfItsDefaults()
    {
        var (problem, view) = Multiclass(weighted: false);
        var model = _context.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key").Fit(view).Model;
        var slow = new SlowLogisticSolver(problem.Rows, problem.Labels, problem.Weights, 4) { Pairwise = true, RegularizeBias = true };

        // The defaults for 120 rows: 3 * (500000 / 120) passes at most, l2 = 20 / (half of them * rows), no l1 below 100 features.
        double l2 = 20.0 / (500000 / 120 * 3 / 2 * 120) * 120;
        double optimum = slow.Minimize(0, l2).Value;
        Assert.InRange(slow.Objective(Flatten(model), 0, l2), optimum * (1 - 1e-9), optimum * (1 + RelativeTolerance));
    }

    [Fact]
    public void SdcaLogisticRegression_ReachesTheOptimumForGivenOptions()
    {
        var (problem, view) = Binary();
        var options = new SdcaLogisticRegressionBinaryTrainer.Options { L2Regularization = 0.01f, L1Regularization = 0.2f, ConvergenceTolerance = 1e-5f };
        var model = _context.BinaryClassification.Trainers.SdcaLogisticRegression(options).Fit(view).Model;
        int n = problem.Rows.Length;
        var slow = new SlowLogisticSolver(problem.Rows, problem.Labels, problem.Weights, 1) { RegularizeBias = true };
        double optimum = slow.Minimize(0.002 * n, 0.01 * n).Value;
        Assert.InRange(slow.Objective([model.SubModel.Bias, .. model.SubModel.Weights], 0.002 * n, 0.01 * n), optimum * (1 - 1e-9), optimum * (1 + RelativeTolerance));
    }

    [Fact]
    public void SameSeed_GivesTheSameModel()
    {
        var (_, view) = Multiclass(weighted: false);
        var first = new MLContext(seed: 5).MulticlassClassification.Trainers.SdcaMaximumEntropy("Key", maximumNumberOfIterations: 5).Fit(view).Model;
        var second = new MLContext(seed: 5).MulticlassClassification.Trainers.SdcaMaximumEntropy("Key", maximumNumberOfIterations: 5).Fit(view).Model;
        var other = new MLContext(seed: 6).MulticlassClassification.Trainers.SdcaMaximumEntropy("Key", maximumNumberOfIterations: 5).Fit(view).Model;
        Assert.Equal(Flatten(first), Flatten(second));
        Assert.NotEqual(Flatten(first), Flatten(other));
    }

    [Fact]
    public void MulticlassScores_AreProbabilitiesNamedByTheLabels()
    {
        var (_, view) = Multiclass(weighted: false);
        var scored = _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key").Fit(view).Transform(view);
        Assert.Equal(["PredictedLabel", "Score"], scored.Schema.Skip(view.Schema.Count).Select(c => c.Name));
        VBuffer<ReadOnlyMemory<char>> names = default, keys = default, training = default;
        scored.Schema["Score"].GetSlotNames(ref names);
        scored.Schema["PredictedLabel"].GetKeyValues(ref keys);
        scored.Schema["Score"].Annotations.GetValue(AnnotationUtils.Kinds.TrainingLabelValues, ref training);
        Assert.Equal(names.DenseValues().Select(n => n.ToString()), keys.DenseValues().Select(n => n.ToString()));
        Assert.Equal(names.DenseValues().Select(n => n.ToString()), training.DenseValues().Select(n => n.ToString()));

        using var cursor = scored.GetRowCursor(scored.Schema);
        var score = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        var predicted = cursor.GetGetter<uint>(scored.Schema["PredictedLabel"]);
        VBuffer<float> scores = default;
        uint label = 0;
        while (cursor.MoveNext())
        {
            score(ref scores);
            predicted(ref label);
            var values = scores.DenseValues().ToArray();
            Assert.Equal(1, values.Sum(), 1e-5);
            Assert.Equal(values.Max(), values[label - 1]);
        }
    }

    [Fact]
    public void BinaryProbability_IsTheLogisticFunctionOfTheScore()
    {
        var (_, view) = Binary();
        var scored = _context.BinaryClassification.Trainers.LbfgsLogisticRegression().Fit(view).Transform(view);
        Assert.Equal(["PredictedLabel", "Score", "Probability"], scored.Schema.Skip(view.Schema.Count).Select(c => c.Name));
        Assert.True(scored.Schema["Probability"].IsNormalized());
        using var cursor = scored.GetRowCursor(scored.Schema);
        var score = cursor.GetGetter<float>(scored.Schema["Score"]);
        var probability = cursor.GetGetter<float>(scored.Schema["Probability"]);
        var predicted = cursor.GetGetter<bool>(scored.Schema["PredictedLabel"]);
        float s = 0, p = 0;
        bool positive = false;
        while (cursor.MoveNext())
        {
            score(ref s);
            probability(ref p);
            predicted(ref positive);
            Assert.Equal(1 / (1 + Math.Exp(-s)), p, 1e-6);
            Assert.Equal(s > 0, positive);
        }
    }

    [Fact]
    public void PromisedSchema_IsDelivered()
    {
        var (_, multi) = Multiclass(weighted: false);
        var (_, binary) = Binary();
        CheckPromise(_context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key"), multi, "Score", "PredictedLabel");
        CheckPromise(_context.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key"), multi, "Score", "PredictedLabel");
        CheckPromise(_context.BinaryClassification.Trainers.LbfgsLogisticRegression(), binary, "Score", "Probability", "PredictedLabel");
        CheckPromise(_context.BinaryClassification.Trainers.SdcaLogisticRegression(), binary, "Score", "Probability", "PredictedLabel");
    }

    [Fact]
    public void SavedAndLoaded_ScoresTheSame()
    {
        var (_, multi) = Multiclass(weighted: false);
        var (_, binary) = Binary();
        ITransformer[] models =
        [
            _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key").Fit(multi),
            _context.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key").Fit(multi),
            _context.BinaryClassification.Trainers.LbfgsLogisticRegression(l1Regularization: 8).Fit(binary),
        ];
        foreach (var model in models)
        {
            var view = model is BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>> ? binary : multi;
            using var stream = new MemoryStream();
            _context.Model.Save(model, view.Schema, stream);
            stream.Position = 0;
            var loaded = new MLContext().Model.Load(stream, out _);
            var before = model.Transform(view);
            var after = loaded.Transform(view);
            Assert.Equal(before.Schema.Select(c => c.ToString()), after.Schema.Select(c => c.ToString()));
            Assert.Equal(Scores(before), Scores(after));
        }
    }

    [Fact]
    public void RowsWithoutLabelOrWithNaN_AreSkipped()
    {
        var (_, view) = Multiclass(weighted: false);
        var rows = _context.Data.CreateEnumerable<Example>(view, reuseRowObject: false).ToList();
        var spoiled = rows.Concat(
        [
            new Example { Features = [float.NaN, 0, 0, 0, 0, 0, 0], Class = "c0" },
            new Example { Features = [float.PositiveInfinity, 0, 0, 0, 0, 0, 0], Class = "c1" },
            new Example { Features = [1, 1, 1, 1, 1, 1, 1], Class = "" },
        ]);
        var clean = Train(rows);
        Assert.Equal(Flatten(clean), Flatten(Train(spoiled)));

        MaximumEntropyModelParameters Train(IEnumerable<Example> examples)
        {
            var data = _context.Data.LoadFromEnumerable(examples);
            var keyed = _context.Transforms.Conversion.MapValueToKey("Key", "Class", keyOrdinality: Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(data).Transform(data);
            return _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key").Fit(keyed).Model;
        }
    }

    [Fact]
    public void NoValidRow_IsAnError()
    {
        var view = _context.Data.LoadFromEnumerable([new Example { Features = [float.NaN, 0, 0, 0, 0, 0, 0], Label = true }]);
        Assert.Throws<InvalidOperationException>(() => _context.BinaryClassification.Trainers.LbfgsLogisticRegression().Fit(view));
        Assert.Throws<InvalidOperationException>(() => _context.BinaryClassification.Trainers.SdcaLogisticRegression().Fit(view));
    }

    [Fact]
    public void MissingOrWrongColumns_AreSchemaMismatches()
    {
        var (_, view) = Multiclass(weighted: false);
        var trainers = _context.MulticlassClassification.Trainers;
        Check("Could not find label column 'Nope'", () => trainers.LbfgsMaximumEntropy("Nope").Fit(view));
        Check("Could not find feature column 'Nope'", () => trainers.SdcaMaximumEntropy("Key", "Nope").Fit(view));
        Check("Could not find weight column 'Nope'", () => trainers.LbfgsMaximumEntropy("Key", exampleWeightColumnName: "Nope").Fit(view));
        Check("Schema mismatch for label column 'Class': expected Key<UInt32>, got String", () => trainers.LbfgsMaximumEntropy("Class").Fit(view));
        Check("Schema mismatch for feature column 'Class': expected Vector<Single>, got String", () => trainers.SdcaMaximumEntropy("Key", "Class").Fit(view));
        Check("Schema mismatch for label column 'Key': expected Boolean, got Key<UInt32>", () => _context.BinaryClassification.Trainers.LbfgsLogisticRegression("Key").Fit(view));

        static void Check(string message, Func<object> act) => Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(act).Message);
    }

    [Fact]
    public void ImpossibleOptions_AreRefused()
    {
        var trainers = _context.MulticlassClassification.Trainers;
        Assert.Throws<ArgumentOutOfRangeException>(() => trainers.LbfgsMaximumEntropy(l1Regularization: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => trainers.LbfgsMaximumEntropy(historySize: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => trainers.SdcaMaximumEntropy(maximumNumberOfIterations: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => trainers.SdcaMaximumEntropy(new SdcaMaximumEntropyMulticlassTrainer.Options { ConvergenceTolerance = 2 }));
        Assert.Throws<ArgumentNullException>(() => trainers.SdcaMaximumEntropy(options: null));
    }

    [Fact]
    public void OneClass_LbfgsPredictsIt_SdcaRefuses()
    {
        var data = _context.Data.LoadFromEnumerable([new Example { Features = new float[NumFeatures], Class = "only" }]);
        var view = _context.Transforms.Conversion.MapValueToKey("Key", "Class").Fit(data).Transform(data);
        var scored = _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key").Fit(view).Transform(view);
        Assert.Equal([1f], Scores(scored));
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key").Fit(view));
    }

    [Fact]
    public void AllZeroFeatures_LearnThePrior()
    {
        var data = _context.Data.LoadFromEnumerable(Enumerable.Range(0, 40).Select(i => new Example { Features = new float[NumFeatures], Class = i % 4 == 0 ? "a" : "b", Label = i % 4 == 0 }));
        var view = _context.Transforms.Conversion.MapValueToKey("Key", "Class").Fit(data).Transform(data);
        Assert.Equal(0.25f, Scores(_context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key").Fit(view).Transform(view))[0], 1e-3f);
        Assert.Equal(Math.Log(1 / 3.0), _context.BinaryClassification.Trainers.LbfgsLogisticRegression().Fit(view).Model.SubModel.Bias, 1e-2);
        Assert.InRange(Scores(_context.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key").Fit(view).Transform(view))[0], 0.2f, 0.3f);
    }

    [Fact]
    public void HugeFeatures_AreNoCrash()
    {
        var data = _context.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => new Example { Features = [1e30f * (i % 3 - 1), 1e-30f, 0, 0, 0, 0, i], Label = i % 2 == 0 }));
        try
        {
            _context.BinaryClassification.Trainers.LbfgsLogisticRegression().Fit(data);
            _context.BinaryClassification.Trainers.SdcaLogisticRegression().Fit(data);
        }
        catch (InvalidOperationException ex)
        {
            Assert.Contains("not finite", ex.Message);
        }
    }

    [Fact]
    public void CancelExecution_StopsTraining()
    {
        var context = new MLContext(seed: 1);
        var (_, view) = Multiclass(weighted: false);
        var options = new SdcaMaximumEntropyMulticlassTrainer.Options { LabelColumnName = "Key", MaximumNumberOfIterations = int.MaxValue, ConvergenceTolerance = 1e-12f };
        var trainer = context.MulticlassClassification.Trainers.SdcaMaximumEntropy(options);
        context.CancelExecution();
        Assert.Throws<OperationCanceledException>(() => trainer.Fit(view));
    }

    [Fact]
    public void ContinuedTraining_StartsAtTheGivenModel()
    {
        var (_, view) = Multiclass(weighted: false);
        var trainer = _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy("Key");
        var model = trainer.Fit(view).Model;
        var one = new LbfgsMaximumEntropyMulticlassTrainer.Options { LabelColumnName = "Key", MaximumNumberOfIterations = 1 };
        var continued = _context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(one).Fit(view, model).Model;
        Assert.All(Flatten(model).Zip(Flatten(continued)), p => Assert.Equal(p.First, p.Second, 1e-2));
    }

    private void CheckPromise<T>(IEstimator<T> estimator, IDataView view, params string[] columns) where T : class, ITransformer
    {
        var promise = estimator.GetOutputSchema(SchemaShape.Create(view.Schema));
        var delivery = SchemaShape.Create(estimator.Fit(view).Transform(view).Schema);
        foreach (string name in columns)
        {
            Assert.True(promise.TryFindColumn(name, out var promised));
            Assert.True(delivery.TryFindColumn(name, out var delivered));
            Assert.True(promised.IsCompatibleWith(delivered), name);
        }
    }

    private (Problems, IDataView) Multiclass(bool weighted)
    {
        var problem = Problems.Create(seed: 11, numRows: 120, NumFeatures, numClasses: 4, weighted);
        var data = _context.Data.LoadFromEnumerable(problem.Rows.Select((row, i) => new Example
        {
            Features = row.Select(v => (float)v).ToArray(),
            Class = $"c{problem.Labels[i]}",
            Weight = (float)problem.Weights[i],
        }).ToList());
        var byValue = Microsoft.ML.Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue;
        return (problem, _context.Transforms.Conversion.MapValueToKey("Key", "Class", keyOrdinality: byValue).Fit(data).Transform(data));
    }

    private (Problems, IDataView) Binary()
    {
        var problem = Problems.Create(seed: 12, numRows: 110, NumFeatures, numClasses: 2);
        return (problem, _context.Data.LoadFromEnumerable(problem.Rows.Select((row, i) => new Example
        {
            Features = row.Select(v => (float)v).ToArray(),
            Label = problem.Labels[i] == 1,
        }).ToList()));
    }

    private static double[] Flatten(MaximumEntropyModelParameters model)
    {
        VBuffer<float>[] weights = [];
        model.GetWeights(ref weights, out int classes);
        var biases = model.GetBiases().ToArray();
        return Enumerable.Range(0, classes).SelectMany(c => weights[c].DenseValues().Prepend(biases[c]).Select(v => (double)v)).ToArray();
    }

    private static List<float> Scores(IDataView view)
    {
        var column = view.Schema["Score"];
        var values = new List<float>();
        using var cursor = view.GetRowCursor([column]);
        if (column.Type is VectorDataViewType)
        {
            var getter = cursor.GetGetter<VBuffer<float>>(column);
            VBuffer<float> row = default;
            while (cursor.MoveNext())
            {
                getter(ref row);
                values.AddRange(row.DenseValues());
            }

            return values;
        }

        var scalar = cursor.GetGetter<float>(column);
        float value = 0;
        while (cursor.MoveNext())
        {
            scalar(ref value);
            values.Add(value);
        }

        return values;
    }
}
