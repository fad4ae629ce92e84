using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Core;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Writes and reads the state of a training: a safetensors file whose metadata are the <see cref="TrainingState"/>.</summary>
internal static class TrainingCheckpoint
{
    /// <summary>The weights of the module by name.</summary>
    public const string WeightsPrefix = "weights/";

    /// <summary>The state of the optimizer by name.</summary>
    public const string OptimizerPrefix = "optimizer/";

    /// <summary>The weights of the best epoch by name.</summary>
    public const string BestPrefix = "best/";

    /// <summary>The logits of the best epoch on the validation documents.</summary>
    public const string Logits = "logits";

    /// <summary>The state of the processor's random generator.</summary>
    public const string RandomState = "random";

    private const string StateMetadata = "state";

    private static readonly JsonSerializerOptions s_json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Writes a state.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="state">The numbers.</param>
    /// <param name="tensors">The tensors by name.</param>
    public static void Write(Stream stream, TrainingState state, IReadOnlyDictionary<string, Tensor> tensors) =>
        SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string> { [StateMetadata] = JsonSerializer.Serialize(state, s_json) });

    /// <summary>Reads a state.</summary>
    /// <param name="stream">The stream.</param>
    /// <returns>The numbers, and the tensors by name, which belong to the open dispose scope.</returns>
    /// <exception cref="WeightFileException">The stream does not hold the state of a training.</exception>
    public static (TrainingState State, IReadOnlyDictionary<string, Tensor> Tensors) Read(Stream stream)
    {
        using var reader = new SafetensorsReader(stream, leaveOpen: true);
        try
        {
            var state = JsonSerializer.Deserialize<TrainingState>(reader.Metadata.GetValueOrDefault(StateMetadata, ""), s_json)
                ?? throw new WeightFileException("The state of a training must not be empty, but is. Delete the checkpoint.");
            return (state, reader.ReadAll());
        }
        catch (JsonException e)
        {
            throw new WeightFileException($"The state of a training must be JSON of this version, but is not: {e.Message} Delete the checkpoint.", e);
        }
    }

    /// <summary>Returns the tensors whose names begin with a prefix, by the rest of their names.</summary>
    public static IReadOnlyDictionary<string, Tensor> WithPrefix(this IReadOnlyDictionary<string, Tensor> tensors, string prefix) => tensors
        .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);

    /// <summary>Copies tensors to those of the same names.</summary>
    /// <exception cref="WeightFileException">A name is missing, or a shape differs.</exception>
    public static void CopyTo(this IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, Tensor> targets)
    {
        using var guard = no_grad();
        foreach (var (name, target) in targets)
        {
            if (!tensors.TryGetValue(name, out var tensor) || !tensor.shape.SequenceEqual(target.shape))
            {
                throw new WeightFileException(
                    $"A checkpoint must have the tensors of the training, but '{name}' of the shape {TensorChecks.Show(target.shape)} is missing or has " +
                    "another shape. Delete the checkpoint.");
            }
            target.copy_(tensor);
        }
    }

    /// <summary>Converts the logits of documents to a tensor, [n, C].</summary>
    public static Tensor ToTensor(IReadOnlyList<float[]> logits) =>
        tensor(logits.SelectMany(row => row).ToArray(), [logits.Count, logits.Count == 0 ? 0 : logits[0].Length]);

    /// <summary>Converts a tensor, [n, C], to the logits of documents.</summary>
    public static IReadOnlyList<float[]> ToRows(Tensor logits)
    {
        int width = (int)logits.shape[1];
        float[] values = logits.numel() == 0 ? [] : logits.data<float>().ToArray();
        return [.. Enumerable.Range(0, (int)logits.shape[0]).Select(row => values[(row * width)..((row + 1) * width)])];
    }
}
