using System.Text.Json;
using Maha.Layers.Pretrained;
using Maha.Layers.Weights;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.Fitting;

/// <summary>What a training starts from: a saved Maha model, or an encoder in BERT layout.</summary>
internal sealed class PretrainedStart : IDisposable
{
    private PretrainedStart(PretrainedFile? file, PretrainedEncoder? encoder)
    {
        (File, Encoder) = (file, encoder);
    }

    /// <summary>The saved Maha model; null for an encoder.</summary>
    public PretrainedFile? File { get; }

    /// <summary>The encoder of windows: one in BERT layout, or that of a saved model that started from one; null for other models.</summary>
    public PretrainedEncoder? Encoder { get; }

    /// <summary>Reads the weights.</summary>
    /// <exception cref="FileNotFoundException">There is no such file or folder.</exception>
    /// <exception cref="MahaModelFileException">The file is damaged, or is neither a Maha model nor an encoder in BERT layout.</exception>
    public static PretrainedStart Open(PretrainedSource source)
    {
        if (source.OpenCheckpoint is { } open)
        {
            using var stream = open();
            return FromCheckpoint(source.Name, () => BertCheckpoint.Load(stream));
        }
        string path = source.Path!;
        if (IsBert(path))
            return FromCheckpoint(source.Name, () => BertCheckpoint.Open(path));
        var file = PretrainedFile.Open(path);
        if (file.Windows is null)
            return new PretrainedStart(file, null);
        // A document encoder has other parts to start from.
        if (file.Parts is not null)
            return new PretrainedStart(null, file.CreateEncoder(source.Name) with { DocumentEncoder = file });
        using (file)
            return new PretrainedStart(null, file.CreateEncoder(source.Name));
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        File?.Dispose();
        Encoder?.Dispose();
    }

    private static PretrainedStart FromCheckpoint(string name, Func<BertCheckpoint> open)
    {
        try
        {
            using var checkpoint = open();
            return new PretrainedStart(null, new PretrainedEncoder(name, checkpoint.CreateEncoder(), checkpoint.Tokenizer));
        }
        catch (Exception e) when (e is WeightFileException or InvalidDataException or ArgumentException or JsonException)
        {
            throw new MahaModelFileException($"PretrainedModel must be an encoder in BERT layout, but '{name}' is not: {e.Message}", e);
        }
    }

    /// <summary>Returns whether a path names an encoder in BERT layout: a folder, an ONNX file, or a weight file that SaveWeights did not write.</summary>
    public static bool IsBert(string path)
    {
        if (Directory.Exists(path) || path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
            return true;
        if (!path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || !System.IO.File.Exists(path))
            return false;
        try
        {
            using var reader = SafetensorsReader.Open(path);
            return !reader.Metadata.ContainsKey(ModelFormat.ManifestMetadata);
        }
        catch (WeightFileException)
        {
            // The reader of Maha's own files says what is wrong.
            return false;
        }
    }
}
