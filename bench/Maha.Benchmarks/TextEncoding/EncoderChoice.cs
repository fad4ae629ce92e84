using System.Globalization;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.Benchmarks.TextEncoding;

/// <summary>The options of an encoder on the command line.</summary>
internal static class EncoderChoice
{
    public const string Arguments = "[--epochs N] [--max-tokens N] [--max-seconds S] [--spectral K] [--beginning N] [--contextual W] [--contrastive W] "
        + "[--masked W] [--learning-rate R] [--threads T] [--cuda] " + PretrainedChoice.Arguments;

    public static MahaTextEncodingEstimator.Options Read(OptionReader options)
    {
        var chosen = new MahaTextEncodingEstimator.Options { OutputColumnName = "Features", InputColumnName = "Text", Seed = 1 };
        chosen.NumberOfEpochs = Number(options, "--epochs", 0) is var epochs and > 0 ? (int)epochs : chosen.NumberOfEpochs;
        chosen.MaxSequenceLength = (int)Number(options, "--max-tokens", chosen.MaxSequenceLength);
        chosen.SpectralDim = (int)Number(options, "--spectral", chosen.SpectralDim);
        chosen.BeginningTokens = (int)Number(options, "--beginning", chosen.BeginningTokens);
        chosen.ContextualWeight = Number(options, "--contextual", chosen.ContextualWeight);
        chosen.ContrastiveWeight = Number(options, "--contrastive", chosen.ContrastiveWeight);
        chosen.MaskedTokenWeight = Number(options, "--masked", chosen.MaskedTokenWeight);
        chosen.LearningRate = Number(options, "--learning-rate", chosen.LearningRate);
        chosen.PretrainedModel = PretrainedChoice.Parse(options.Text("--pretrained", "none"));
        double seconds = Number(options, "--max-seconds", 0);
        chosen.MaxTrainingTime = seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
        TorchSharp.torch.set_num_threads(options.Integer("--threads", Environment.ProcessorCount));
        return chosen;
    }

    /// <summary>Creates the context that <c>--cuda</c> asks for.</summary>
    /// <exception cref="UsageException">There is no CUDA device.</exception>
    public static MLContext CreateContext(OptionReader options)
    {
        bool onCuda = options.Flag("--cuda");
        if (onCuda && !TorchSharp.torch.cuda.is_available())
            throw new UsageException("--cuda needs a CUDA device, but torch finds none.");
        return new MLContext(1) { GpuDeviceId = onCuda ? 0 : null, FallbackToCpu = false };
    }

    private static double Number(OptionReader options, string name, double fallback)
        => options.Text(name, "") is { Length: > 0 } text
            ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                ? value : throw new UsageException($"option {name} takes a number, but got '{text}'.")
            : fallback;
}
