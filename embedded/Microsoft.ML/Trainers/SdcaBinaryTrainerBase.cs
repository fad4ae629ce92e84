using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public abstract class SdcaBinaryTrainerBase<TModelParameters> :
    SdcaTrainerBase<SdcaBinaryTrainerBase<TModelParameters>.BinaryOptionsBase, BinaryPredictionTransformer<TModelParameters>, TModelParameters>
    where TModelParameters : class
{
    public class BinaryOptionsBase : OptionsBase
    {
        public float PositiveInstanceWeight = 1;
    }

    private protected SdcaBinaryTrainerBase(IHostEnvironment env, BinaryOptionsBase options)
        : base(env, options, BoolLabelShape(options.LabelColumnName))
    {
        Host.CheckUserArg(options.PositiveInstanceWeight > 0, nameof(options.PositiveInstanceWeight), "Weight for positive instances must be positive");
    }

    public override TrainerInfo Info { get; } = new();

    private protected override TModelParameters TrainModelCore(IChannel ch, IDataView data, object initialModel)
    {
        var (weights, biases) = Solve(ch, data, 1, SdcaTrainerOptions.PositiveInstanceWeight);
        return CreatePredictor(weights[0], biases[0]);
    }

    private protected abstract TModelParameters CreatePredictor(VBuffer<float> weights, float bias);

    private protected override BinaryPredictionTransformer<TModelParameters> MakeTransformer(TModelParameters model, DataViewSchema trainSchema)
        => new(Host, model, trainSchema, FeatureColumn.Name);
}

public sealed class SdcaLogisticRegressionBinaryTrainer : SdcaBinaryTrainerBase<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>>
{
    public sealed class Options : BinaryOptionsBase
    {
    }

    internal SdcaLogisticRegressionBinaryTrainer(IHostEnvironment env, BinaryOptionsBase options) : base(env, options)
    {
    }

    private protected override SchemaShape.Column[] GetOutputColumnsCore(SchemaShape inputSchema) => CalibratedBinaryOutput();

    private protected override CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator> CreatePredictor(VBuffer<float> weights, float bias)
        => CalibratedLinearModelParameters.Create(Host, weights, bias);
}
