using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Maha.Layers.Weights;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Reliability;

/// <summary>A kind of file that is changed: how one is written, how its checksums are recomputed, and how it is read.</summary>
/// <param name="Name">The name of the kind.</param>
/// <param name="Write">Writes a file into a folder; returns its path.</param>
/// <param name="Change">Changes a file: its bytes, the source of chance, and whether the checksums are those of the changed content.</param>
/// <param name="Read">Reads a file; returns a text that differs where what was read has another effect. Throws where the file is refused.</param>
internal sealed record FuzzedFile(string Name, Func<string, string> Write, Func<byte[], Random, bool, byte[]> Change, Func<string, string> Read)
{
    private const int HashStart = 8;
    private const int PayloadStart = HashStart + SHA256.HashSizeInBytes;

    /// <summary>All kinds.</summary>
    public static IReadOnlyList<FuzzedFile> All { get; } =
    [
        .. SmallTrainings.Names.Select(name => new FuzzedFile(name, folder => WriteModel(name, folder), ChangeZip, ReadModel)),
        new("weights", WriteWeights, ChangeWeights, ReadWeights),
        new("checkpoint", WriteCheckpoint, ChangeCheckpoint, ReadCheckpoint),
    ];

    private static string WriteModel(string name, string folder)
    {
        var context = new MLContext(1);
        var (model, data) = SmallTrainings.Fit(name, context, Smaller);
        using var owner = (IDisposable)model;
        string path = Path.Combine(folder, "model.zip");
        context.Model.SaveSafely(model, data.Schema, path);
        return path;
    }

    private static void Smaller(MahaEstimatorOptions options) => (options.NumberOfEpochs, options.DModel, options.VocabSize) = (1, 16, 320);

    private static string ReadModel(string path)
    {
        var context = new MLContext(1);
        var model = context.Model.LoadSafely(path, out _);
        using var owner = model as IDisposable;
        return Predictions(context, model);
    }

    private static string Predictions(MLContext context, ITransformer model)
    {
        var output = model.Transform(context.Data.TakeRows(SmallTrainings.Documents(context), 4));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in new[] { "Score", "PredictedLabel", "Features", "LogLikelihood" })
        {
            if (output.Schema.GetColumnOrNull(name) is not { } column)
                continue;
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            if (column.Type is VectorDataViewType)
                hash.AppendData(Encoding.UTF8.GetBytes(string.Join(' ', output.GetColumn<float[]>(column).Select(row => string.Join(',', row)))));
            else if (column.Type.RawType == typeof(float))
                hash.AppendData(Encoding.UTF8.GetBytes(string.Join(' ', output.GetColumn<float>(column))));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Without recomputed checksums any byte of the zip changes; with them, the bytes of a stream of the transformer.
    private static byte[] ChangeZip(byte[] zip, Random random, bool isSigned)
    {
        if (!isSigned)
            return Mutation.Apply(zip, random);
        var entries = new List<(string Name, byte[] Content)>();
        using (var archive = new ZipArchive(new MemoryStream(zip)))
        {
            foreach (var entry in archive.Entries)
            {
                using var content = new MemoryStream();
                using (var stream = entry.Open())
                    stream.CopyTo(content);
                entries.Add((entry.FullName, content.ToArray()));
            }
        }
        string sums = entries.First(entry => entry.Name.EndsWith("Checksums", StringComparison.Ordinal)).Name;
        string folder = sums[..^"Checksums".Length];
        int[] own = [.. Enumerable.Range(0, entries.Count).Where(i => entries[i].Name.StartsWith(folder, StringComparison.Ordinal) && entries[i].Name != sums)];
        int chosen = own[random.Next(own.Length)];
        byte[] before = entries[chosen].Content;
        if (entries[chosen].Name.EndsWith(".safetensors", StringComparison.Ordinal))
            before = WithoutChecksums(before);
        entries[chosen] = (entries[chosen].Name, Mutation.Apply(before, random));
        string lines = string.Concat(own.Where(i => !entries[i].Name[folder.Length..].Contains('/'))
            .Select(i => $"{Convert.ToHexStringLower(SHA256.HashData(entries[i].Content))} {entries[i].Name[folder.Length..]}\n"));
        entries[entries.FindIndex(entry => entry.Name == sums)] = (sums, Encoding.UTF8.GetBytes(lines));
        using var result = new MemoryStream();
        using (var archive = new ZipArchive(result, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var stream = archive.CreateEntry(name).Open();
                stream.Write(content);
            }
        }
        return result.ToArray();
    }

    private static byte[] WithoutChecksums(byte[] weights)
    {
        using var scope = NewDisposeScope();
        using var reader = new SafetensorsReader(new MemoryStream(weights));
        using var plain = new MemoryStream();
        SafetensorsWriter.Write(plain, reader.ReadAll(), reader.Metadata);
        return plain.ToArray();
    }

    private static string WriteWeights(string folder)
    {
        var context = new MLContext(1);
        var (model, _) = SmallTrainings.Fit("binary", context, Smaller);
        using var transformer = (MahaBinaryTextClassificationTransformer)model;
        string path = Path.Combine(folder, "weights.safetensors");
        transformer.SaveWeights(path);
        return path;
    }

    private static byte[] ChangeWeights(byte[] weights, Random random, bool isSigned) => Mutation.Apply(isSigned ? WithoutChecksums(weights) : weights, random);

    private static string ReadWeights(string path)
    {
        var context = new MLContext(1);
        // As it is, without a step: the network is that of the file.
        var (model, _) = SmallTrainings.Fit("binary", context, options =>
        {
            Smaller(options);
            var binary = (MahaBinaryTextClassificationTrainer.Options)options;
            (binary.PretrainedModel, binary.NGrams, options.LearningRate) = (path, false, 1e-30);
            (options.MaxSequenceLength, options.VocabSize) = (16384, 8192);
            (options.NumHeads, options.DModel, options.NumLayers) = (4, 128, 2);
        });
        using var owner = (IDisposable)model;
        return Predictions(context, model);
    }

    private static string WriteCheckpoint(string folder)
    {
        FitUntilFirstStep(folder);
        return Directory.GetFiles(folder, "checkpoint-*.maha").Order(StringComparer.Ordinal).Last();
    }

    private static byte[] ChangeCheckpoint(byte[] file, Random random, bool isSigned)
    {
        if (!isSigned)
            return Mutation.Apply(file, random);
        byte[] changed = [.. file[..PayloadStart], .. Mutation.Apply(file[PayloadStart..], random)];
        SHA256.HashData(changed.AsSpan(PayloadStart)).CopyTo(changed, HashStart);
        return changed;
    }

    private static string ReadCheckpoint(string path)
    {
        string folder = path + ".folder";
        Directory.CreateDirectory(folder);
        try
        {
            File.Copy(path, Path.Combine(folder, "checkpoint-000001.maha"));
            return FitUntilFirstStep(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Returns whether the training went on, and the loss of its first step.
    private static string FitUntilFirstStep(string folder)
    {
        using var source = new CancellationTokenSource();
        var context = new MLContext(1);
        bool isPassedOver = false;
        context.Log += (_, e) => isPassedOver |= e.RawMessage.Contains("is passed over", StringComparison.Ordinal);
        double loss = double.NaN;
        try
        {
            SmallTrainings.Fit("network", context, options =>
            {
                Smaller(options);
                (options.CheckpointPath, options.CancellationToken) = (folder, source.Token);
                options.Progress = new Once(now =>
                {
                    loss = now.Loss;
                    source.Cancel();
                });
            });
        }
        catch (OperationCanceledException)
        {
        }
        // A damaged checkpoint that is passed over is refused like any damaged file.
        return isPassedOver ? throw new InvalidDataException("The checkpoint is passed over.") : $"{loss:R}";
    }

    private sealed class Once(Action<Layers.Training.TrainingProgress> action) : IProgress<Layers.Training.TrainingProgress>
    {
        public void Report(Layers.Training.TrainingProgress value) => action(value);
    }
}
