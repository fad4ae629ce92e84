using Microsoft.ML.OnnxRuntime;

namespace Maha.Onnx.Export;

// B documents, N length

/// <summary>Runs an exported graph with ONNX Runtime.</summary>
internal sealed class OnnxRunner : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();

    /// <summary>Loads a graph.</summary>
    /// <param name="model">The file's content.</param>
    /// <param name="threads">The threads of a run.</param>
    public OnnxRunner(byte[] model, int threads)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1 };
        // Threads that wait for work must not take the processor from libtorch's.
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        _session = new InferenceSession(model, options);
    }

    /// <summary>The names of the inputs.</summary>
    public IReadOnlyCollection<string> Inputs => [.. _session.InputMetadata.Keys];

    /// <summary>Computes an output for a batch of documents.</summary>
    /// <param name="inputs">The documents.</param>
    /// <param name="output">The name of the output, of Float.</param>
    /// <param name="extraPadding">The columns of padding beyond the longest document.</param>
    /// <returns>The row of each document.</returns>
    public float[][] Run(IReadOnlyList<OnnxTextInput> inputs, string output, int extraPadding = 0)
    {
        float[] all = Run<float>(inputs, output, extraPadding);
        return [.. all.Chunk(all.Length / inputs.Count)];
    }

    /// <summary>Computes the indices of the predicted labels of a batch of documents.</summary>
    public long[] RunLabels(IReadOnlyList<OnnxTextInput> inputs) => Run<long>(inputs, GraphNames.PredictedLabel, extraPadding: 0);

    public void Dispose()
    {
        _session.Dispose();
        _options.Dispose();
    }

    private T[] Run<T>(IReadOnlyList<OnnxTextInput> inputs, string output, int extraPadding) where T : unmanaged
    {
        var values = new List<OrtValue>();
        try
        {
            string[] names = [.. _session.InputMetadata.Keys];
            foreach (string name in names)
                values.Add(CreateInput(name, inputs, extraPadding));
            using var results = _session.Run(_options, names, values, [output]);
            return results[0].GetTensorDataAsSpan<T>().ToArray();
        }
        finally
        {
            foreach (var value in values)
                value.Dispose();
        }
    }

    private static OrtValue CreateInput(string name, IReadOnlyList<OnnxTextInput> inputs, int extraPadding) => name switch
    {
        GraphNames.InputIds => Ids(inputs, input => input.InputIds, isMask: false, extraPadding),
        GraphNames.AttentionMask => Ids(inputs, input => input.InputIds, isMask: true, extraPadding),
        GraphNames.SpectralIds => Ids(inputs, input => input.SpectralIds, isMask: false, extraPadding),
        GraphNames.SpectralMask => Ids(inputs, input => input.SpectralIds, isMask: true, extraPadding),
        GraphNames.NGramLogits => Numbers(inputs, input => input.NGramLogits),
        _ => Numbers(inputs, input => input.CopyCounts),
    };

    private static OrtValue Ids(IReadOnlyList<OnnxTextInput> inputs, Func<OnnxTextInput, IReadOnlyList<int>> idsOf, bool isMask, int extraPadding)
    {
        int width = Math.Max(1, inputs.Max(input => idsOf(input).Count)) + extraPadding;
        long[] values = new long[inputs.Count * width];
        for (int row = 0; row < inputs.Count; row++)
        {
            var ids = idsOf(inputs[row]);
            for (int i = 0; i < ids.Count; i++)
                values[(row * width) + i] = isMask ? 1 : ids[i];
        }
        return OrtValue.CreateTensorValueFromMemory(values, [inputs.Count, width]);
    }

    private static OrtValue Numbers(IReadOnlyList<OnnxTextInput> inputs, Func<OnnxTextInput, IReadOnlyList<float>> numbersOf)
    {
        float[] values = [.. inputs.SelectMany(numbersOf)];
        return OrtValue.CreateTensorValueFromMemory(values, [inputs.Count, values.Length / inputs.Count]);
    }
}
