using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(PlattCalibrator), null, typeof(SignatureLoadModel), "Platt Calibration Executor", PlattCalibrator.LoaderSignature)]
[assembly: LoadableClass(typeof(CalibratedLinearModelParameters), null, typeof(SignatureLoadModel), "Parameter Mixing Calibrated Predictor Executor",
    CalibratedLinearModelParameters.LoaderSignature)]

namespace Microsoft.ML.Calibrators;

public interface ICalibrator
{
    float PredictProbability(float output);
}

public sealed class PlattCalibrator : ICalibrator, ICanSaveModel
{
    internal const string LoaderSignature = "PlattCaliExec";

    private static readonly VersionInfo s_version = new("PLATTCAL", 0x00010001, 0x00010001, 0x00010001, ModelFile.DataAssembly, LoaderSignature);

    internal PlattCalibrator(double slope, double offset)
    {
        Slope = slope;
        Offset = offset;
    }

    public double Slope { get; }

    public double Offset { get; }

    public float PredictProbability(float output)
        => float.IsNaN(output) ? output : (float)(1 / (1 + Math.Exp(Slope * output + Offset)));

    internal static PlattCalibrator Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        return new PlattCalibrator(ctx.Reader.ReadDouble(), ctx.Reader.ReadDouble());
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        ctx.Writer.Write(Slope);
        ctx.Writer.Write(Offset);
    }
}

public abstract class CalibratedModelParametersBase
{
    private protected CalibratedModelParametersBase(object subModel, ICalibrator calibrator)
    {
        SubModel = subModel;
        Calibrator = calibrator;
    }

    public object SubModel { get; }

    public ICalibrator Calibrator { get; }
}

public abstract class CalibratedModelParametersBase<TSubModel, TCalibrator> : CalibratedModelParametersBase
    where TSubModel : class
    where TCalibrator : class, ICalibrator
{
    private protected CalibratedModelParametersBase(TSubModel subModel, TCalibrator calibrator) : base(subModel, calibrator)
    {
    }

    public new TSubModel SubModel => (TSubModel)base.SubModel;

    public new TCalibrator Calibrator => (TCalibrator)base.Calibrator;
}

internal sealed class CalibratedLinearModelParameters : CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>,
    ICanSaveModel, IScoringModel<float>
{
    internal const string LoaderSignature = "PMixCaliPredExec";

    private static readonly VersionInfo s_version = new("PMIXCALP", 0x00010001, 0x00010001, 0x00010001, ModelFile.DataAssembly, LoaderSignature);

    private CalibratedLinearModelParameters(LinearBinaryModelParameters model, PlattCalibrator calibrator) : base(model, calibrator)
    {
    }

    int IScoringModel<float>.NumberOfFeatures => SubModel.Weight.Length;

    /// <summary>A logistic model's score is the log odds: the calibrator is the logistic function.</summary>
    public static CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator> Create(IHostEnvironment env, VBuffer<float> weights, float bias)
        => new CalibratedLinearModelParameters(new LinearBinaryModelParameters(env, weights, bias), new PlattCalibrator(-1, 0));

    internal static CalibratedLinearModelParameters Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        ctx.LoadModel<LinearBinaryModelParameters, SignatureLoadModel>(env, out var model, "Predictor");
        ctx.LoadModel<PlattCalibrator, SignatureLoadModel>(env, out var calibrator, "Calibrator");
        return new CalibratedLinearModelParameters(model, calibrator);
    }

    void IScoringModel<float>.Score(in VBuffer<float> features, ref float score) => ((IScoringModel<float>)SubModel).Score(features, ref score);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        ctx.SaveModel(SubModel, "Predictor");
        ctx.SaveModel(Calibrator, "Calibrator");
    }
}
