using System.IO.Compression;
using System.Text.Json;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using Maha.MLNet.ModelFiles;
using static TorchSharp.torch;

namespace Maha.MLNet.Fitting;

/// <summary>A saved model whose weights another one starts from: tokenizer, shape and weights.</summary>
internal sealed class PretrainedFile : IDisposable
{
    /// <summary>The names of the text pairs of a weight file.</summary>
    public const string ManifestPair = "maha.manifest", TokenizerPair = "maha.tokenizer";

    // The length is checked apart, and dropout is not part of a trained model.
    private static readonly HashSet<string> s_architecture =
    [
        .. Enum.GetValues<AttentionKind>()
            .SelectMany(kind => new MahaTransformerOptions { VocabSize = 1, Attention = AttentionOptions.Create(kind) }.Flatten().Keys)
            .Except([nameof(MahaBlockOptions.MaxSequenceLength), nameof(MahaBlockOptions.Dropout)]),
    ];

    private const string Encoder = "encoder.", Pooling = "pooling.";

    // More than the description of any model takes.
    private const int MaxManifestBytes = 1 << 26;

    private readonly string _path;
    private readonly Dictionary<string, Tensor> _weights;

    private PretrainedFile(string path, byte[] manifest, Stream tokenizer, Stream weights)
    {
        _path = path;
        using var document = JsonDocument.Parse(manifest);
        var root = document.RootElement;
        Model = ModelManifest.ReadMember<MahaTransformerOptions>(root, nameof(ModelManifest.Model))
            ?? throw new InvalidDataException("its description has no Model");
        Model.Validate();
        Parts = ModelManifest.ReadMember<DocumentVectorParts>(root, "Parts");
        Parts?.Validate();
        Tokenizer = ByteLevelBpeTokenizer.Load(tokenizer);
        if (Tokenizer.VocabSize != Model.VocabSize)
            throw new InvalidDataException($"tokenizer and network have {Tokenizer.VocabSize} and {Model.VocabSize} ids");
        // Before a network is built: a few bytes of options could ask for all memory.
        long least = ModelManifest.MinNumWeights(Model) * sizeof(float);
        if (weights.Length < least)
            throw new InvalidDataException($"the weights that it describes take at least {least} bytes, but it has {weights.Length}");
        using var reader = new SafetensorsReader(weights, leaveOpen: true);
        _weights = reader.ReadAll();
        foreach (var tensor in _weights.Values)
            tensor.DetachFromDisposeScope();
    }

    /// <summary>The shape of the model.</summary>
    public MahaTransformerOptions Model { get; }

    /// <summary>What the vectors of an encoder consist of; null for other models.</summary>
    public DocumentVectorParts? Parts { get; }

    /// <summary>The tokenizer that the weights belong to.</summary>
    public ByteLevelBpeTokenizer Tokenizer { get; }

    /// <summary>Checks an option before any data is read.</summary>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    public static void CheckPath(string? path)
    {
        if (path is { Length: 0 })
            throw new ArgumentException("PretrainedModel must be the path of a file, but is empty. Leave it null to start from random weights.", nameof(path));
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">An ML.NET zip with one Maha transformer, or a weight file with the description that <see cref="MahaTransformer.SaveWeights"/> adds.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="MahaModelFileException">The file is damaged, or not a Maha model.</exception>
    public static PretrainedFile Open(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"PretrainedModel must be the path of a file, but there is none at '{path}'. Give the path of a saved model.", path);
        try
        {
            using var file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[2];
            bool isZip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start.SequenceEqual("PK"u8);
            file.Position = 0;
            return isZip ? OfZip(path, file) : OfWeights(path, file);
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or ArgumentException or JsonException or EndOfStreamException or WeightFileException)
        {
            throw new MahaModelFileException($"PretrainedModel must be a whole model of Maha (a zip with one Maha transformer, or weights saved by SaveWeights), but '{path}' is not: {e.Message} Save the model again, or update the package Maha.MLNet.", e);
        }
    }

    /// <summary>Copies the transformer's weights, and an encoder's other parts.</summary>
    public void CopyTo(MahaDocumentEncoder network)
    {
        if (Parts is not null)
            ModuleWeights.Load(network, _weights);
        else
            CopyTo(network.Encoder, network.Pooling);
    }

    /// <summary>Copies the transformer's weights, and its pooling's where both have the same.</summary>
    public void CopyTo(MahaEncoder encoder, DocumentPooling pooling)
    {
        ModuleWeights.Load(encoder, Under(Encoder));
        var learned = Under(Pooling);
        if (learned.Count > 0 && pooling.state_dict().Keys.Order().SequenceEqual(learned.Keys.Order()))
            ModuleWeights.Load(pooling, learned);
    }

    /// <summary>The shape of the model for documents of another length.</summary>
    public MahaTransformerOptions ModelFor(int maxSequenceLength)
        => Model.WithMaxSequenceLength(maxSequenceLength);

    /// <summary>The tokens of a document that are read: the file's, or fewer where the options say so.</summary>
    public int MaxSequenceLengthFor(MahaEstimatorOptions options)
    {
        if (options.MaxSequenceLength == MahaEstimatorOptions.ModelDefaults.MaxSequenceLength)
            return Model.MaxSequenceLength;
        if (Model.Positions == PositionKind.Learned && options.MaxSequenceLength != Model.MaxSequenceLength)
            throw new ArgumentException($"MaxSequenceLength must be that of the pretrained model, whose positions are learned, but is {options.MaxSequenceLength} and not {Model.MaxSequenceLength}. Leave it out.", nameof(options));
        return options.MaxSequenceLength;
    }

    /// <summary>Checks that options of the architecture were left out, or agree with the file.</summary>
    /// <exception cref="ArgumentException">One contradicts the file.</exception>
    public void Check(MahaEstimatorOptions options)
    {
        var defaults = (MahaEstimatorOptions)Activator.CreateInstance(options.GetType())!;
        var own = Model.WithExplicitDefaults().Flatten();
        foreach (var option in OptionChecks.Of(typeof(MahaEstimatorOptions)).Where(option => s_architecture.Contains(option.Name)))
        {
            object? left = option.GetValue(defaults);
            // What the file's attention does not have must be left out, too.
            CheckOption(option.Name, option.GetValue(options), left, own.GetValueOrDefault(option.Name, left));
        }
    }

    /// <summary>Checks one option.</summary>
    public void CheckOption<T>(string option, T value, T left, T ofFile)
    {
        var comparer = EqualityComparer<T>.Default;
        if (!comparer.Equals(value, left) && !comparer.Equals(value, ofFile))
            throw new ArgumentException($"{option} must be left out or be that of the pretrained model '{_path}', {ofFile}, but is {value}. The file's architecture is taken over; to have another, train from random weights.", option);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var tensor in _weights.Values)
            tensor.Dispose();
    }

    private Dictionary<string, Tensor> Under(string prefix)
        => _weights.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);

    private static PretrainedFile OfZip(string path, FileStream file)
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Read);
        string[] folders = [.. zip.Entries.Where(entry => entry.Name == ModelFormat.WeightsStream).Select(entry => entry.FullName[..^entry.Name.Length])];
        if (folders.Length != 1)
            throw new InvalidDataException($"the zip must hold one Maha transformer, but holds {folders.Length}.");
        var entries = zip.Entries.Where(entry => entry.FullName == folders[0] + entry.Name).ToDictionary(entry => entry.Name);
        string manifest = entries.Keys.SingleOrDefault(name => name.EndsWith(".json", StringComparison.Ordinal))
            ?? throw new InvalidDataException("the transformer must have one description, a stream that ends in .json.");
        StreamChecksums checksums;
        using (var stream = Checked(ModelFormat.ChecksumStream, null))
            checksums = StreamChecksums.Load(stream);
        using var description = Checked(manifest, checksums);
        using var tokenizer = Checked(ModelFormat.TokenizerStream, checksums);
        using var weights = Checked(ModelFormat.WeightsStream, checksums);
        return new PretrainedFile(path, description.ToArray(), tokenizer, weights);

        MemoryStream Checked(string name, StreamChecksums? sums)
        {
            if (!entries.TryGetValue(name, out var entry))
                throw new InvalidDataException($"the transformer has no stream '{name}'.");
            var memory = new MemoryStream();
            using (var stream = entry.Open())
                stream.CopyTo(memory);
            memory.Position = 0;
            sums?.Check(name, memory);
            return memory;
        }
    }

    private static PretrainedFile OfWeights(string path, FileStream file)
    {
        string manifest, tokenizer;
        using (var reader = new SafetensorsReader(file, leaveOpen: true))
        {
            if (!reader.Metadata.TryGetValue(ManifestPair, out manifest!) || !reader.Metadata.TryGetValue(TokenizerPair, out tokenizer!))
                throw new InvalidDataException($"a weight file must have the text pairs '{ManifestPair}' and '{TokenizerPair}'. Write it with SaveWeights.");
        }
        if (manifest.Length > MaxManifestBytes)
            throw new InvalidDataException($"a description has at most {MaxManifestBytes} characters, but this one {manifest.Length}.");
        file.Position = 0;
        using var vocabulary = new MemoryStream(Convert.FromBase64String(tokenizer));
        return new PretrainedFile(path, System.Text.Encoding.UTF8.GetBytes(manifest), vocabulary, file);
    }
}
