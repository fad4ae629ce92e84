using Maha.Layers.Core;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Pretrained;

internal sealed partial class BertCheckpoint
{
    private const string VocabularyName = "vocab.txt";

    private static readonly string[] s_modelNames = ["model.safetensors", "model.onnx"];

    /// <summary>Reads a model from files.</summary>
    /// <param name="path">
    /// A folder with model.safetensors or model.onnx, or the path of a .safetensors or .onnx file. vocab.txt must be in the same folder, and config.json where the
    /// weights are in safetensors; tokenizer_config.json is read if it is there. A file that <see cref="Save"/> wrote needs no other file.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="WeightFileException">A file is damaged, or states a model that is not supported.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static BertCheckpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        TorchLibrary.EnsureLoaded();
        string file = FindModel(path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        if (Path.GetExtension(file).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            using var reader = SafetensorsReader.Open(file);
            return reader.Metadata.GetValueOrDefault(FormatKey) == Format ? Load(reader) : OpenSafetensors(reader, folder);
        }
        return OpenOnnx(file, folder);
    }

    private static string FindModel(string path)
    {
        if (Directory.Exists(path))
        {
            return s_modelNames.Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists) ?? throw new FileNotFoundException(
                $"A folder of a pretrained model must have {string.Join(" or ", s_modelNames)}, but '{path}' has neither. " +
                "Give the path of the folder that was downloaded, or of the weight file in it.", Path.Combine(path, s_modelNames[0]));
        }
        if (!File.Exists(path))
            throw new FileNotFoundException($"A pretrained model must be a folder or a file, but there is no '{path}'. Check the path.", path);
        string extension = Path.GetExtension(path);
        return extension.Equals(".safetensors", StringComparison.OrdinalIgnoreCase) || extension.Equals(".onnx", StringComparison.OrdinalIgnoreCase)
            ? path
            : throw new WeightFileException(
                $"The file of a pretrained BERT model must be .safetensors or .onnx, but is '{path}'. Convert the model to one of these formats.");
    }

    private static BertCheckpoint OpenSafetensors(SafetensorsReader reader, string folder)
    {
        RequireFile(folder, "config.json", "states the number of heads, which safetensors files do not contain");
        var configuration = BertConfiguration.Read(folder);
        int heads = configuration.NumHeads ?? throw new WeightFileException(
            $"'{Path.Combine(folder, "config.json")}' must have \"num_attention_heads\", but does not. Use the config.json of the model.");
        var tokenizer = OpenTokenizer(folder, configuration);
        using var scope = NewDisposeScope();
        var tensors = reader.Names.Where(BertLayout.IsOfEncoder).ToDictionary(name => name, reader.Read);
        CheckLayers(tensors, configuration, folder);
        return new BertCheckpoint(tensors, tokenizer, heads, configuration.NormEpsilon ?? DefaultNormEpsilon);
    }

    private static BertCheckpoint OpenOnnx(string file, string folder)
    {
        var configuration = BertConfiguration.Read(folder);
        var tokenizer = OpenTokenizer(folder, configuration);
        using var stream = File.OpenRead(file);
        return FromOnnx(stream, tokenizer, configuration, folder);
    }

    /// <summary>Reads an ONNX file of a BERT encoder, with the settings that its graph shows. The streams stay open.</summary>
    /// <param name="model">The ONNX file.</param>
    /// <param name="vocabulary">The vocabulary, vocab.txt.</param>
    /// <exception cref="WeightFileException">A file is damaged, or its graph is not that of a BERT encoder.</exception>
    public static BertCheckpoint FromOnnx(Stream model, Stream vocabulary)
    {
        using var content = new MemoryStream();
        vocabulary.CopyTo(content);
        return FromOnnx(model, ChooseCase(content, null, VocabularyName), new BertConfiguration(), "the model's folder");
    }

    private static BertCheckpoint FromOnnx(Stream model, WordPieceTokenizer tokenizer, BertConfiguration configuration, string folder)
    {
        using var scope = NewDisposeScope();
        var weights = BertOnnxFile.Read(model);
        int heads = RequireSame("number of heads", weights.NumHeads, configuration.NumHeads, folder) ?? throw new WeightFileException(
            "The number of heads must be shown by the graph or by a config.json beside the ONNX file, but neither does. Put the config.json of the model beside it.");
        double epsilon = RequireSame("epsilon of norms", weights.NormEpsilon, configuration.NormEpsilon, folder) ?? DefaultNormEpsilon;
        CheckLayers(weights.Tensors, configuration, folder);
        return new BertCheckpoint(weights.Tensors, tokenizer, heads, epsilon);
    }

    private static WordPieceTokenizer OpenTokenizer(string folder, BertConfiguration configuration)
    {
        string path = RequireFile(folder, VocabularyName, "holds the vocabulary, without which the model can't read texts");
        using var stream = new MemoryStream(File.ReadAllBytes(path));
        return ChooseCase(stream, configuration.LowerCase, $"'{path}'");
    }

    private static WordPieceTokenizer ChooseCase(MemoryStream stream, bool? lowerCase, string place)
    {
        stream.Position = 0;
        var tokenizer = ReadVocabulary(stream, lowerCase ?? true, place);
        if (lowerCase is not null || tokenizer.IsVocabularyLowerCase())
            return tokenizer;
        stream.Position = 0;
        return ReadVocabulary(stream, lowerCase: false, place);
    }

    private static string RequireFile(string folder, string name, string purpose)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"'{name}' must be in the folder of the weights, because it {purpose}, but is not in '{folder}'. Copy it there.", path);
    }

    private static T? RequireSame<T>(string name, T? shown, T? stated, string folder)
        where T : struct
    {
        if (shown is { } value && stated is { } other && !value.Equals(other))
        {
            throw new WeightFileException(
                $"The {name} must be the same in the ONNX file and in config.json, but is {value} and {other} in '{folder}'. Use the config.json of the model.");
        }
        return shown ?? stated;
    }

    private static void CheckLayers(Dictionary<string, Tensor> tensors, BertConfiguration configuration, string folder)
    {
        int layers = tensors.Keys.Count(name => name.EndsWith(".attention.self.query.weight", StringComparison.Ordinal));
        if (configuration.NumLayers is { } stated && stated != layers)
        {
            throw new WeightFileException(
                $"The weights must have the layers that config.json states, but have {layers} and it states {stated} in '{folder}'. Use the files of one model.");
        }
    }
}
