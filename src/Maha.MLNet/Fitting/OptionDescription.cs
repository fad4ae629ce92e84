using System.Globalization;
using System.Security.Cryptography;
using Maha.Layers.Core;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>Describes the options of a fitting, so that a checkpoint is known to be of the same ones.</summary>
internal static class OptionDescription
{
    // What the result does not depend on, what other entries state, and data, which are compared when they are read.
    private static readonly HashSet<string> s_ignored =
    [
        nameof(MahaEstimatorOptions.CheckpointPath), nameof(MahaEstimatorOptions.CheckpointInterval), nameof(MahaEstimatorOptions.Progress),
        nameof(MahaEstimatorOptions.CancellationToken), nameof(MahaEstimatorOptions.CancellationBehavior), nameof(MahaEstimatorOptions.Seed),
        nameof(MahaEstimatorOptions.Distributed), nameof(MahaEstimatorOptions.Precision),
    ];

    /// <summary>Returns the options by name, with the facts that they stand for.</summary>
    /// <param name="options">The options.</param>
    /// <param name="seed">The seed of the fitting.</param>
    /// <param name="device">The kind of device.</param>
    /// <param name="computeType">The type that the network computes with; null for Float32.</param>
    public static SortedDictionary<string, string> Create(MahaEstimatorOptions options, int seed, DeviceType device, ScalarType? computeType)
    {
        var description = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["Estimator"] = options.GetType().DeclaringType?.Name ?? options.GetType().Name,
            ["Device"] = device.ToString(),
            [nameof(options.Precision)] = (computeType ?? ScalarType.Float32).ToString(),
            [nameof(options.Seed)] = seed.ToString(CultureInfo.InvariantCulture),
        };
        foreach (var option in OptionChecks.Of(options.GetType()).Where(option => !s_ignored.Contains(option.Name)))
        {
            description.Add(option.Name, option.GetValue(options) switch
            {
                PretrainedSource source => $"{source.Name} with SHA-256 {HashOf(source)}",
                IDataView => "given",
                double number => number.ToString("R", CultureInfo.InvariantCulture),
                IReadOnlyDictionary<string, double> numbers => Describe(numbers),
                var value => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "none",
            });
        }
        return description;
    }

    private static string Describe(IReadOnlyDictionary<string, double> numbers) => string.Join(", ", numbers.OrderBy(pair => pair.Key, StringComparer.Ordinal)
        .Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:R}")));

    private static string HashOf(PretrainedSource source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (source.OpenCheckpoint is { } open)
        {
            using var stream = open();
            Append(hash, stream);
        }
        else if (Directory.Exists(source.Path))
        {
            foreach (string file in Directory.EnumerateFiles(source.Path).Order(StringComparer.Ordinal))
                AppendFile(hash, file);
        }
        else if (File.Exists(source.Path))
        {
            AppendFile(hash, source.Path);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void AppendFile(IncrementalHash hash, string path)
    {
        using var stream = File.OpenRead(path);
        Append(hash, stream);
    }

    private static void Append(IncrementalHash hash, Stream stream)
    {
        byte[] buffer = new byte[1 << 20];
        for (int read; (read = stream.Read(buffer)) > 0;)
            hash.AppendData(buffer, 0, read);
    }
}
