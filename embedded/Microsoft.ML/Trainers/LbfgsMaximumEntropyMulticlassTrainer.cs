using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public sealed class LbfgsMaximumEntropyMulticlassTrainer : LbfgsTrainerBase<LbfgsMaximumEntropyMulticlassTrainer.Options,
    MulticlassPredictionTransformer<MaximumEntropyModelParameters>, MaximumEntropyModelParameters>
{
    public sealed class Options : OptionsBase
    {
    }

    internal LbfgsMaximumEntropyMulticlassTrainer(IHostEnvironment env, string labelColumn, string featureColumn, string weights,
        float l1Weight, float l2Weight, float optimizationTolerance, int memorySize, bool enforceNoNegativity)
        : base(env, featureColumn, KeyLabelShape(labelColumn), weights, l1Weight, l2Weight, optimizationTolerance, memorySize, enforceNoNegativity)
    {
    }

    internal LbfgsMaximumEntropyMulticlassTrainer(IHostEnvironment env, Options options)
        : base(env, options, KeyLabelShape(options.LabelColumnName))
    {
    }

    public MulticlassPredictionTransformer<MaximumEntropyModelParameters> Fit(IDataView trainData, MaximumEntropyModelParameters modelParameters)
        => TrainTransformer(trainData, modelParameters);

    private protected override SchemaShape.Column[] GetOutputColumnsCore(SchemaShape inputSchema) => MulticlassOutput(inputSchema);

    private protected override MaximumEntropyModelParameters TrainModelCore(IChannel ch, IDataView data, object initialModel)
    {
        int numClasses = data.Schema[LabelColumn.Name].Type.GetKeyCountAsInt32(Host);
        if (numClasses == 1)
        {
            // The softmax of one score is 1 whatever the weights.
            int numFeatures = ReadExamples(ch, data, "No valid training instances found, all instances have missing features.").NumFeatures;
            ch.Warning("Training resulted in a one class predictor");
            return new MaximumEntropyModelParameters(Host, [new VBuffer<float>(numFeatures, 0, [], [])], [0]);
        }

        var model = (MaximumEntropyModelParameters)initialModel;
        var (weights, biases) = Solve(ch, data, numClasses, model == null ? null : (model.Weights, model.Biases));
        return new MaximumEntropyModelParameters(Host, weights, biases);
    }

    private protected override MulticlassPredictionTransformer<MaximumEntropyModelParameters> MakeTransformer(
        MaximumEntropyModelParameters model, DataViewSchema trainSchema)
        => new(Host, model, trainSchema, FeatureColumn.Name, LabelColumn.Name);
}
