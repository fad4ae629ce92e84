using System.Reflection;
using System.Runtime.ExceptionServices;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.Misuse;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.AutoML;

namespace Maha.MLNet.AutoML.Tests;

/// <summary>Every method that the package adds to AutoML, with values that it can't have: refused before an experiment begins.</summary>
public sealed class AutoMLMisuseTests
{
    private static readonly MLContext s_context = new(1);

    // Of each kind of option one that is never valid.
    private static readonly (string Name, Action<MahaEstimatorOptions> Set)[] s_invalid =
    [
        ("DModel", options => options.DModel = 0), ("LearningRate", options => options.LearningRate = double.NaN),
        ("MaxTrainingTime", options => options.MaxTrainingTime = TimeSpan.Zero), ("CheckpointPath", options => options.CheckpointPath = "folder"),
        ("Positions", options => options.Positions = (Layers.Core.PositionKind)99),
    ];

    [Fact]
    public void WrongArguments_AreRefused()
    {
        var cases = new MisuseCases();
        foreach (var method in typeof(MahaAutoCatalog).GetMethods(BindingFlags.Public | BindingFlags.Static))
        {
            var parameters = method.GetParameters();
            object?[] good = [.. parameters.Select(Good)];
            string name = $"{method.Name}({string.Join(", ", parameters.Select(parameter => parameter.ParameterType.Name))})";
            cases.Succeeds(name, () => Call(method, good));
            foreach (var parameter in parameters)
            {
                foreach (object? value in Wrong(parameter))
                    cases.Refuses($"{name}, {parameter.Name} = {value ?? "null"}", () => Call(method, Replace(good, parameter, value)));
                if (!typeof(MahaEstimatorOptions).IsAssignableFrom(parameter.ParameterType))
                    continue;
                foreach (var (option, set) in s_invalid)
                {
                    var options = (MahaEstimatorOptions)Activator.CreateInstance(parameter.ParameterType)!;
                    set(options);
                    cases.Refuses($"{name}, {option}", () => Call(method, Replace(good, parameter, options)));
                }
            }
        }
        foreach (int failures in new[] { int.MinValue, -1, 0 })
            cases.Refuses($"a record of {failures} failures", () => _ = new ExperimentRecord(null, failures));
        foreach (long ticks in new[] { long.MinValue, -1, 0 })
            cases.Refuses($"a space of {ticks} ticks", () => MahaSearchOptions.Space(TimeSpan.FromTicks(ticks)));
        cases.AssertGood(atLeast: 30);
    }

    private static object? Good(ParameterInfo parameter) => parameter.ParameterType switch
    {
        var type when type == typeof(AutoCatalog) => s_context.Auto(),
        var type when type == typeof(AutoMLExperiment) => s_context.Auto().CreateExperiment(),
        var type when type == typeof(SweepablePipeline) =>
            s_context.Transforms.CopyColumns("Copy", "Text").Append(s_context.Auto().MahaTextClassification(new MahaTextClassificationTrainer.Options())),
        var type when type == typeof(ExperimentRecord) => new ExperimentRecord(),
        var type when type == typeof(MahaTextEncodingEstimator.Options) => new MahaTextEncodingEstimator.Options { InputColumnName = "Text" },
        var type when typeof(MahaEstimatorOptions).IsAssignableFrom(type) => Activator.CreateInstance(type),
        _ when parameter.HasDefaultValue => parameter.DefaultValue,
        var type when type == typeof(string) => "Column",
        var type => throw new NotSupportedException($"A value of {type} must be tested, but none is known. Add one."),
    };

    private static IEnumerable<object?> Wrong(ParameterInfo parameter)
    {
        bool isNullable = new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;
        return parameter.ParameterType == typeof(string) ? isNullable ? [""] : ["", null] : isNullable ? [] : [null];
    }

    private static object?[] Replace(object?[] arguments, ParameterInfo parameter, object? value)
    {
        object?[] changed = [.. arguments];
        changed[parameter.Position] = value;
        return changed;
    }

    private static void Call(MethodInfo method, object?[] arguments)
    {
        try
        {
            method.Invoke(null, arguments);
        }
        catch (TargetInvocationException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerException!);
        }
    }
}
