using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(LinearBinaryModelParameters), null, typeof(SignatureLoadModel), "Linear2 Class Executor",
    LinearBinaryModelParameters.LoaderSignature)]

namespace Microsoft.ML.Trainers;

public abstract class LinearModelParameters : ModelParametersBase<float>, ICalculateFeatureContribution, IScoringModel<float>
{
    internal readonly VBuffer<float> Weight;
    private readonly float[] _denseWeight;

    private protected LinearModelParameters(IHostEnvironment env, string name, in VBuffer<float> weights, float bias) : base(env, name)
    {
        Weight = weights;
        Bias = bias;
        _denseWeight = WeightStream.Densify(weights);
    }

    FeatureContributionCalculator ICalculateFeatureContribution.FeatureContributionCalculator => new(this);

    public IReadOnlyList<float> Weights => _denseWeight;

    public float Bias { get; protected set; }

    int IScoringModel<float>.NumberOfFeatures => Weight.Length;

    void IScoringModel<float>.Score(in VBuffer<float> features, ref float score)
    {
        Host.Check(features.Length == Weight.Length, $"The features must have {Weight.Length} values as in training, but have {features.Length}.");
        score = Bias + WeightStream.Dot(_denseWeight, features);
    }

    private protected LinearModelParameters(IHostEnvironment env, string name, ModelLoadContext ctx) : base(env, name, ctx)
    {
        Bias = ctx.Reader.ReadSingle();
        int length = ctx.Reader.ReadInt32();
        Host.CheckDecode(length > 0, $"A model must have features, but has {length}. The model file is damaged.");
        int[] indices = WeightStream.ReadInts(ctx.Reader, Host, ctx.Reader.ReadInt32());
        float[] values = WeightStream.ReadFloats(ctx.Reader, Host, ctx.Reader.ReadInt32());
        Host.CheckDecode(values.Length == indices.Length || (indices.Length == 0 && values.Length == length),
            "The indices and weights of the model don't fit together. The model file is damaged.");
        Host.CheckDecode(float.IsFinite(Bias) && values.All(float.IsFinite), "Weights must be finite. The model file is damaged.");
        Weight = WeightStream.ToVector(Host, length, indices, values);
        _denseWeight = WeightStream.Densify(Weight);
    }

    // *** Binary format ***
    // base; float: bias; int: number of features
    // int: number of indices (0 if dense), the indices; int: number of weights, the weights
    private protected override void SaveCore(ModelSaveContext ctx)
    {
        base.SaveCore(ctx);
        var indices = Weight.GetIndices();
        var values = Weight.GetValues();
        ctx.Writer.Write(Bias);
        ctx.Writer.Write(Weight.Length);
        ctx.Writer.Write(indices.Length);
        WeightStream.Write(ctx.Writer, indices);
        ctx.Writer.Write(values.Length);
        WeightStream.Write(ctx.Writer, values);
    }
}

public sealed class LinearBinaryModelParameters : LinearModelParameters
{
    internal const string LoaderSignature = "Linear2CExec";

    private static readonly VersionInfo s_version = new("LINEAR2C", 0x00020002, 0x00020001, 0x00020001, ModelFile.StandardTrainersAssembly, LoaderSignature);

    internal LinearBinaryModelParameters(IHostEnvironment env, in VBuffer<float> weights, float bias)
        : base(env, nameof(LinearBinaryModelParameters), weights, bias)
    {
    }

    private LinearBinaryModelParameters(IHostEnvironment env, ModelLoadContext ctx)
        : base(env, nameof(LinearBinaryModelParameters), ctx)
    {
    }

    internal static LinearBinaryModelParameters Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        return new LinearBinaryModelParameters(env, ctx);
    }

    private protected override void SaveCore(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(s_version);
        base.SaveCore(ctx);
    }
}
