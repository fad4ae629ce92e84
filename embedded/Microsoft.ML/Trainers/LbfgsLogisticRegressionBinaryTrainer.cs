using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public sealed class LbfgsLogisticRegressionBinaryTrainer : LbfgsTrainerBase<LbfgsLogisticRegressionBinaryTrainer.Options,
    BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>>,
    CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>>
{
    public sealed class Options : OptionsBase
    {
    }

    internal LbfgsLogisticRegressionBinaryTrainer(IHostEnvironment env, string labelColumn, string featureColumn, string exampleWeightColumnName,
        float l1Regularization, float l2Regularization, float optimizationTolerance, int memorySize, bool enforceNoNegativity)
        : base(env, featureColumn, BoolLabelShape(labelColumn), exampleWeightColumnName, l1Regularization, l2Regularization,
            optimizationTolerance, memorySize, enforceNoNegativity)
    {
    }

    internal LbfgsLogisticRegressionBinaryTrainer(IHostEnvironment env, Options options)
        : base(env, options, BoolLabelShape(options.LabelColumnName))
    {
    }

    public BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>> Fit(
        IDataView trainData, LinearModelParameters modelParameters)
        => TrainTransformer(trainData, modelParameters);

    private protected override SchemaShape.Column[] GetOutputColumnsCore(SchemaShape inputSchema) => CalibratedBinaryOutput();

    private protected override CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator> TrainModelCore(
        IChannel ch, IDataView data, object initialModel)
    {
        var model = (LinearModelParameters)initialModel;
        var (weights, biases) = Solve(ch, data, 1, model == null ? null : ([model.Weight], [model.Bias]));
        return CalibratedLinearModelParameters.Create(Host, weights[0], biases[0]);
    }

    private protected override BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>> MakeTransformer(
        CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator> model, DataViewSchema trainSchema)
        => new(Host, model, trainSchema, FeatureColumn.Name);
}
