using System.Globalization;
using System.Text;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Pretrained;

/// <summary>A pretrained BERT encoder with its tokenizer: the weights by their names in the BERT layout, and the settings that they do not show.</summary>
internal sealed partial class BertCheckpoint : IDisposable
{
    /// <summary>The epsilon of norms that BERT was trained with, where no file states another.</summary>
    private const double DefaultNormEpsilon = 1e-12;

    private const string FormatKey = "format";
    private const string Format = "maha-bert-checkpoint";
    private const string VersionKey = "version";
    private const string Version = "1";
    private const string HeadsKey = "num_heads";
    private const string EpsilonKey = "norm_epsilon";
    private const string LowerCaseKey = "lower_case";
    private const string VocabularyKey = "vocabulary";

    /// <summary>Takes ownership of the tensors, also where it throws.</summary>
    private BertCheckpoint(Dictionary<string, Tensor> tensors, WordPieceTokenizer tokenizer, int numHeads, double normEpsilon)
    {
        Tensors = tensors;
        Tokenizer = tokenizer;
        NumHeads = numHeads;
        NormEpsilon = normEpsilon;
        try
        {
            Validate();
        }
        catch
        {
            Dispose();
            throw;
        }
        foreach (var tensor in tensors.Values)
            tensor.DetachFromDisposeScope();
    }

    /// <summary>The weights of the encoder, in CPU memory. They are disposed with the checkpoint.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>The tokenizer of the model.</summary>
    public WordPieceTokenizer Tokenizer { get; }

    /// <summary>H, the number of heads.</summary>
    public int NumHeads { get; }

    /// <summary>The number added to the variance in norms.</summary>
    public double NormEpsilon { get; }

    /// <summary>Creates an encoder in float32, in evaluation mode. It owns copies of the weights.</summary>
    /// <exception cref="WeightFileException">Names or shapes are not those of the BERT layout.</exception>
    public MahaEncoder CreateEncoder()
    {
        using var scope = NewDisposeScope();
        var tensors = Tensors.ToDictionary(
            pair => pair.Key,
            pair => pair.Value.dtype == ScalarType.Float32 ? pair.Value : pair.Value.to_type(ScalarType.Float32));
        try
        {
            return BertWeights.CreateEncoder(tensors, NumHeads, firstPosition: 0, NormEpsilon);
        }
        catch (ArgumentException cause)
        {
            throw new WeightFileException($"The weights must be those of a BERT encoder, but are not: {cause.Message}", cause);
        }
    }

    /// <summary>Writes weights, vocabulary and settings as one safetensors file. The stream stays open.</summary>
    /// <param name="stream">A writable stream.</param>
    /// <param name="half">Whether the weights are written as float16; otherwise with the types that they have.</param>
    /// <exception cref="WeightFileException">A weight is too large for float16. Nothing was written.</exception>
    public void Save(Stream stream, bool half)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var tensors = Tensors.ToDictionary(pair => pair.Key, pair => half ? ToHalf(pair.Key, pair.Value) : pair.Value);
        SafetensorsWriter.Write(stream, tensors, new Dictionary<string, string>
        {
            [FormatKey] = Format,
            [VersionKey] = Version,
            [HeadsKey] = NumHeads.ToString(CultureInfo.InvariantCulture),
            [EpsilonKey] = NormEpsilon.ToString("R", CultureInfo.InvariantCulture),
            [LowerCaseKey] = Tokenizer.LowerCase ? "true" : "false",
            [VocabularyKey] = Tokenizer.VocabularyText(),
        });
    }

    /// <summary>Reads what <see cref="Save"/> wrote. The stream stays open.</summary>
    /// <param name="packed">A readable stream at the beginning of the file. It need not support seeking.</param>
    /// <exception cref="WeightFileException">The stream is not such a file, or is damaged.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static BertCheckpoint Load(Stream packed)
    {
        TorchLibrary.EnsureLoaded();
        using var reader = new SafetensorsReader(packed, leaveOpen: true);
        return Load(reader);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
            tensor.Dispose();
    }

    private static BertCheckpoint Load(SafetensorsReader reader)
    {
        if (reader.Metadata.GetValueOrDefault(FormatKey) != Format)
        {
            throw new WeightFileException(
                $"A packed checkpoint must state \"{FormatKey}\": \"{Format}\" in its header, but does not. For a safetensors file of another origin, " +
                "open its folder, with config.json and vocab.txt beside it.");
        }
        string version = Get(VersionKey);
        if (version != Version)
            throw new WeightFileException($"A packed checkpoint must have version {Version}, but has version {version}. Use a newer version of this library.");
        if (!int.TryParse(Get(HeadsKey), NumberStyles.None, CultureInfo.InvariantCulture, out int heads))
            throw new WeightFileException($"\"{HeadsKey}\" in a packed checkpoint must be a number, but is \"{Get(HeadsKey)}\". The file is damaged.");
        if (!double.TryParse(Get(EpsilonKey), NumberStyles.Float, CultureInfo.InvariantCulture, out double epsilon) || epsilon is not (> 0 and < 1))
            throw new WeightFileException($"\"{EpsilonKey}\" in a packed checkpoint must be over 0 and under 1, but is \"{Get(EpsilonKey)}\". The file is damaged.");
        if (Get(LowerCaseKey) is not ("true" or "false"))
            throw new WeightFileException($"\"{LowerCaseKey}\" in a packed checkpoint must be true or false, but is \"{Get(LowerCaseKey)}\". The file is damaged.");
        using var vocabulary = new MemoryStream(Encoding.UTF8.GetBytes(Get(VocabularyKey)));
        var tokenizer = ReadVocabulary(vocabulary, Get(LowerCaseKey) == "true", "a packed checkpoint");
        return new BertCheckpoint(reader.ReadAll(), tokenizer, heads, epsilon);

        string Get(string key) => reader.Metadata.GetValueOrDefault(key)
            ?? throw new WeightFileException($"A packed checkpoint must have \"{key}\" in its header, but does not. The file is damaged.");
    }

    private static WordPieceTokenizer ReadVocabulary(Stream vocabulary, bool lowerCase, string place)
    {
        try
        {
            return WordPieceTokenizer.FromVocabulary(vocabulary, lowerCase);
        }
        catch (InvalidDataException cause)
        {
            throw new WeightFileException($"The vocabulary in {place} can't be used. {cause.Message}", cause);
        }
    }

    private static Tensor ToHalf(string name, Tensor tensor)
    {
        var half = tensor.to_type(ScalarType.Float16);
        return half.isfinite().all().item<bool>()
            ? half
            : throw new WeightFileException($"Weights must be at most 65504 to be written as float16, but '{name}' has larger ones. Write them as they are.");
    }

    private void Validate()
    {
        string name = BertLayout.FindWordEmbeddings(Tensors.Keys) ?? throw new WeightFileException(
            "The weights must have the names of a BERT encoder, but there is no 'embeddings.word_embeddings.weight', with or without the prefix 'bert.'. " +
            "Use the weights of a BERT model.");
        var words = Tensors[name];
        if (words.dim() != 2)
            throw new WeightFileException($"'{name}' must have 2 dimensions, but has the shape {TensorChecks.Show(words.shape)}. The file is damaged.");
        if (words.shape[0] < Tokenizer.VocabSize)
        {
            throw new WeightFileException(
                $"The model must have an embedding for every entry of its vocabulary, but there are {words.shape[0]} embeddings and {Tokenizer.VocabSize} entries. " +
                "The vocabulary is that of another model.");
        }
        if (NumHeads < 1 || words.shape[1] % NumHeads != 0)
            throw new WeightFileException($"The number of heads must divide the width, but there are {NumHeads} heads and the width is {words.shape[1]}.");
        if (Tensors.FirstOrDefault(pair => !pair.Value.is_floating_point()).Key is { } other)
            throw new WeightFileException($"Weights must be floating-point numbers, but '{other}' is of type {Tensors[other].dtype}. Use a model that is not quantized.");
    }
}
