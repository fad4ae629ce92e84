using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>A published block: scales, attention, aggregation, output, gradients of sum(output * upstream_gradient).</summary>
internal sealed class BlockVectors : IVectorKind
{
    public bool Matches(string? what, VectorFile file) => what == "block";

    public void Compare(VectorFile file, Comparison comparison, ScalarType type)
    {
        var options = Options(file.Object("config"));
        using var block = new MahaBlock(options);
        block.to(type);
        ReferenceModule.Prepare(block, ReferenceNameMap.ForBlock(file.Tensors("parameters"), ((MultiscaleOptions)options.Attention).Aggregation.Kind));
        var input = file.Tensor("input").to(type);

        using (no_grad())
        {
            var (scales, outputs, aggregated) = ((ReferenceMahaMixer)block.Mixer).Trace(input);
            if (file.Has("scales"))
                comparison.Add("scales", scales, file.List("scales"));
            if (file.Has("scale_outputs"))
                comparison.Add("scale_outputs", outputs, file.List("scale_outputs"));
            if (file.Has("aggregated"))
                comparison.Add("aggregated", aggregated.Output, file.Tensor("aggregated"));
        }

        input.requires_grad_(true);
        var result = block.call(input, MixingContext.Unpadded);
        if (file.Has("output"))
            comparison.Add("output", result.Output, file.Tensor("output"));
        if (file.Has("aux_loss"))
            comparison.Add("aux_loss", result.AuxiliaryLoss.to(ScalarType.Float64).item<double>(), file.Number("aux_loss"));
        if (file.Has("upstream_gradient"))
            CompareGradients(file, comparison, type, options, block, input, result.Output);
    }

    private static void CompareGradients(
        VectorFile file, Comparison comparison, ScalarType type, MahaBlockOptions options, MahaBlock block, Tensor input, Tensor output)
    {
        var upstream = file.Tensor("upstream_gradient").to(type);
        if (!upstream.shape.AsSpan().SequenceEqual(output.shape))
            throw new FormatException($"'upstream_gradient' must have the shape of 'output', but has [{string.Join(", ", upstream.shape)}].");
        (output * upstream).sum().backward();
        if (file.Has("input_gradient"))
            comparison.Add("input_gradient", input.grad!, file.Tensor("input_gradient"));
        if (file.Has("parameter_gradients"))
            ReferenceModule.CompareGradients(file, block, name => ReferenceNameMap.BlockName(name, ((MultiscaleOptions)options.Attention).Aggregation.Kind), comparison);
    }

    private static MahaBlockOptions Options(VectorFile config)
    {
        var defaults = new MahaBlockOptions();
        var options = new MahaBlockOptions
        {
            Attention = ReferenceModule.Options(config),
            DModel = config.Integer("d_model"),
            NumHeads = config.Integer("num_heads"),
            FeedForwardDim = config.Integer("d_ff"),
            Dropout = config.Number("dropout", defaults.Dropout),
        };
        config.RefuseLeft();
        return options;
    }
}
