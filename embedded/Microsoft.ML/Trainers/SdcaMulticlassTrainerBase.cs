using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public abstract class SdcaMulticlassTrainerBase<TModel> : SdcaTrainerBase<SdcaMulticlassTrainerBase<TModel>.MulticlassOptions, MulticlassPredictionTransformer<TModel>, TModel>
    where TModel : class
{
    public class MulticlassOptions : OptionsBase
    {
    }

    private protected SdcaMulticlassTrainerBase(IHostEnvironment env, MulticlassOptions options)
        : base(env, options, KeyLabelShape(options.LabelColumnName))
    {
    }

    private protected override SchemaShape.Column[] GetOutputColumnsCore(SchemaShape inputSchema) => MulticlassOutput(inputSchema);

    private protected override TModel TrainModelCore(IChannel ch, IDataView data, object initialModel)
    {
        int numClasses = data.Schema[LabelColumn.Name].Type.GetKeyCountAsInt32(Host);
        Host.CheckParam(numClasses >= 2, nameof(numClasses), "Must be at least 2.");
        var (weights, biases) = Solve(ch, data, numClasses, 1);
        return CreatePredictor(weights, biases);
    }

    private protected abstract TModel CreatePredictor(VBuffer<float>[] weights, float[] bias);

    private protected override MulticlassPredictionTransformer<TModel> MakeTransformer(TModel model, DataViewSchema trainSchema)
        => new(Host, model, trainSchema, FeatureColumn.Name, LabelColumn.Name);
}

public sealed class SdcaMaximumEntropyMulticlassTrainer : SdcaMulticlassTrainerBase<MaximumEntropyModelParameters>
{
    public sealed class Options : MulticlassOptions
    {
    }

    internal SdcaMaximumEntropyMulticlassTrainer(IHostEnvironment env, MulticlassOptions options) : base(env, options)
    {
    }

    private protected override MaximumEntropyModelParameters CreatePredictor(VBuffer<float>[] weights, float[] bias) => new(Host, weights, bias);
}
