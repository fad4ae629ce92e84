using Maha.Layers.Attention;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.TestData.Parity;

/// <summary>The published transformer: features, logits, loss = cross entropy + 0.1 * auxiliary loss, its gradients.</summary>
internal sealed class TransformerVectors : IVectorKind
{
    // The weight of the auxiliary loss in the published training script.
    private const double AuxiliaryWeight = 0.1;

    public bool Matches(string? what, VectorFile file) => what == "transformer";

    public void Compare(VectorFile file, Comparison comparison, ScalarType type)
    {
        var options = Options(file.Object("config"));
        using var model = new MahaTokenModel(options);
        model.to(type);
        ReferenceModule.Prepare(model, ReferenceNameMap.ForTransformer(file.Tensors("parameters"), ((MultiscaleOptions)options.Attention).Aggregation.Kind));
        var result = model.call(file.Tensor("ids", ScalarType.Int64), null);
        if (file.Has("output"))
            comparison.Add("output", result.Encoding.Features, file.Tensor("output"));
        if (file.Has("logits"))
            comparison.Add("logits", result.Logits, file.Tensor("logits"));
        if (file.Has("aux_loss"))
            comparison.Add("aux_loss", result.AuxiliaryLoss.to(ScalarType.Float64).item<double>(), file.Number("aux_loss"));
        if (!file.Has("targets"))
            return;
        var targets = file.Tensor("targets", ScalarType.Int64);
        if (!targets.shape.AsSpan().SequenceEqual(result.Logits.shape.AsSpan(0, 2)))
            throw new FormatException($"'targets' must have the shape of 'ids', but has [{string.Join(", ", targets.shape)}].");
        var loss = functional.cross_entropy(result.Logits.reshape(-1, options.VocabSize), targets.reshape(-1)) + AuxiliaryWeight * result.AuxiliaryLoss;
        if (file.Has("loss"))
            comparison.Add("loss", loss.to(ScalarType.Float64).item<double>(), file.Number("loss"));
        if (file.Has("parameter_gradients"))
        {
            loss.backward();
            ReferenceModule.CompareGradients(file, model, name => ReferenceNameMap.ModelName(name, ((MultiscaleOptions)options.Attention).Aggregation.Kind), comparison);
        }
    }

    private static MahaTransformerOptions Options(VectorFile config)
    {
        var defaults = new MahaTransformerOptions { VocabSize = config.Integer("vocab_size") };
        var options = defaults with
        {
            Attention = ReferenceModule.Options(config),
            MaxSequenceLength = config.Integer("max_len", defaults.MaxSequenceLength),
            DModel = config.Integer("d_model", defaults.DModel),
            NumHeads = config.Integer("num_heads", defaults.NumHeads),
            NumLayers = config.Integer("num_layers", defaults.NumLayers),
            FeedForwardDim = config.Integer("d_ff", defaults.FeedForwardDim),
            Dropout = config.Number("dropout", defaults.Dropout),
        };
        config.RefuseLeft();
        return options;
    }
}
