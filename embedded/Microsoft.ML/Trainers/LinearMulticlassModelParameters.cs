using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(MaximumEntropyModelParameters), null, typeof(SignatureLoadModel), "Multiclass LR Executor",
    MaximumEntropyModelParameters.LoaderSignature)]

namespace Microsoft.ML.Trainers;

public abstract class LinearMulticlassModelParametersBase : ModelParametersBase<VBuffer<float>>, IScoringModel<VBuffer<float>>
{
    private readonly float[][] _denseWeights;

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, VBuffer<float>[] weights, float[] bias) : base(env, name)
    {
        Weights = weights;
        Biases = bias;
        _denseWeights = weights.Select(w => WeightStream.Densify(w)).ToArray();
    }

    private protected LinearMulticlassModelParametersBase(IHostEnvironment env, string name, ModelLoadContext ctx) : base(env, name, ctx)
    {
        // *** Binary format ***
        // base; int: number of features, int: number of classes, float[classes]: biases
        // int: 0 if all weights are dense, else classes + 1, then the starts of the classes in the arrays that follow
        // int: number of indices (0 if dense), the indices; int: number of weights, the weights class by class
        int numFeatures = ctx.Reader.ReadInt32();
        int numClasses = ctx.Reader.ReadInt32();
        Host.CheckDecode(numFeatures >= 1 && numClasses >= 1, $"A model must have features and classes, but has {numFeatures} and {numClasses}. The model file is damaged.");
        Biases = WeightStream.ReadFloats(ctx.Reader, Host, numClasses);
        int numStarts = ctx.Reader.ReadInt32();
        Host.CheckDecode(numStarts == 0 || numStarts == numClasses + 1, $"There must be 0 or {numClasses + 1} starts, but there are {numStarts}. The model file is damaged.");
        int[] starts = numStarts == 0
            ? Enumerable.Range(0, numClasses + 1).Select(c => checked(c * numFeatures)).ToArray()
            : WeightStream.ReadInts(ctx.Reader, Host, numStarts);
        int[] indices = WeightStream.ReadInts(ctx.Reader, Host, ctx.Reader.ReadInt32());
        float[] values = WeightStream.ReadFloats(ctx.Reader, Host, ctx.Reader.ReadInt32());
        Host.CheckDecode(starts[0] == 0 && starts[^1] == values.Length && indices.Length == (numStarts == 0 ? 0 : values.Length),
            "The starts, indices and weights of the model don't fit together. The model file is damaged.");
        Weights = new VBuffer<float>[numClasses];
        for (int c = 0; c < numClasses; c++)
        {
            Host.CheckDecode(starts[c] <= starts[c + 1] && starts[c + 1] - starts[c] <= numFeatures, "The starts of the classes don't increase as they should. The model file is damaged.");
            int[] own = numStarts == 0 ? [] : indices[starts[c]..starts[c + 1]];
            Weights[c] = WeightStream.ToVector(Host, numFeatures, own, values[starts[c]..starts[c + 1]]);
        }

        _denseWeights = Weights.Select(w => WeightStream.Densify(w)).ToArray();
    }

    internal VBuffer<float>[] Weights { get; }

    internal float[] Biases { get; }

    int IScoringModel<VBuffer<float>>.NumberOfFeatures => Weights[0].Length;

    public void GetWeights(ref VBuffer<float>[] weights, out int numClasses)
    {
        numClasses = Weights.Length;
        if (weights == null || weights.Length < numClasses)
            Array.Resize(ref weights, numClasses);
        for (int c = 0; c < numClasses; c++)
            Weights[c].CopyTo(ref weights[c]);
    }

    public IEnumerable<float> GetBiases() => Biases;

    void IScoringModel<VBuffer<float>>.Score(in VBuffer<float> features, ref VBuffer<float> score)
    {
        Host.Check(features.Length == Weights[0].Length, $"The features must have {Weights[0].Length} values as in training, but have {features.Length}.");
        var editor = VBufferEditor.Create(ref score, Weights.Length);
        for (int c = 0; c < Weights.Length; c++)
            editor.Values[c] = Biases[c] + WeightStream.Dot(_denseWeights[c], features);
        Calibrate(editor.Values);
        score = editor.Commit();
    }

    private protected abstract void Calibrate(Span<float> dst);

    private protected abstract VersionInfo GetVersionInfo();

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        base.SaveCore(ctx);
        ctx.SetVersionInfo(GetVersionInfo());
        var writer = ctx.Writer;
        writer.Write(Weights[0].Length);
        writer.Write(Weights.Length);
        WeightStream.Write(writer, Biases);
        if (Weights.All(w => w.IsDense))
        {
            writer.Write(0);
            writer.Write(0);
            writer.Write(Weights.Sum(w => w.Length));
            foreach (var weights in Weights)
                WeightStream.Write(writer, weights.GetValues());
            return;
        }

        var sparse = _denseWeights.Select(w => Enumerable.Range(0, w.Length).Where(j => w[j] != 0).ToArray()).ToArray();
        int start = 0;
        writer.Write(sparse.Length + 1);
        writer.Write(start);
        foreach (int[] indices in sparse)
            writer.Write(start += indices.Length);
        writer.Write(start);
        foreach (int[] indices in sparse)
            WeightStream.Write(writer, indices);
        writer.Write(start);
        for (int c = 0; c < sparse.Length; c++)
        {
            foreach (int index in sparse[c])
                writer.Write(_denseWeights[c][index]);
        }
    }
}

public sealed class MaximumEntropyModelParameters : LinearMulticlassModelParametersBase
{
    internal const string LoaderSignature = "MultiClassLRExec";

    internal MaximumEntropyModelParameters(IHostEnvironment env, VBuffer<float>[] weights, float[] bias)
        : base(env, nameof(MaximumEntropyModelParameters), weights, bias)
    {
    }

    private MaximumEntropyModelParameters(IHostEnvironment env, ModelLoadContext ctx)
        : base(env, nameof(MaximumEntropyModelParameters), ctx)
    {
    }

    private static readonly VersionInfo s_version = new("MULTI LR", 0x00010003, 0x00010001, 0x00010001, ModelFile.StandardTrainersAssembly, LoaderSignature);

    private protected override VersionInfo GetVersionInfo() => s_version;

    internal static MaximumEntropyModelParameters Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        return new MaximumEntropyModelParameters(env, ctx);
    }

    private protected override void Calibrate(Span<float> dst)
    {
        float max = float.NegativeInfinity;
        foreach (float score in dst)
            max = Math.Max(max, score);
        double sum = 0;
        foreach (float score in dst)
            sum += Math.Exp(score - max);
        for (int c = 0; c < dst.Length; c++)
            dst[c] = (float)(Math.Exp(dst[c] - max) / sum);
    }
}
