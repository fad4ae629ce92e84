using System.Reflection;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Misuse;

/// <summary>Every parameter of every method that the library adds to ML.NET's catalogs, with values that it can't have.</summary>
public sealed class CatalogMisuseTests
{
    // A column that is read, unless it is left out.
    private const string Weights = nameof(MahaSupervisedOptions.ExampleWeightColumnName);

    private static readonly MLContext s_context = new(1);

    [Fact]
    public void WrongArguments_AreRefused()
    {
        var cases = new MisuseCases();
        foreach (var method in typeof(MahaCatalog).GetMethods(BindingFlags.Public | BindingFlags.Static))
        {
            var parameters = method.GetParameters();
            object?[] good = [.. parameters.Select(Good)];
            cases.Succeeds($"{method.Name}({parameters[0].ParameterType.Name}, ...)", () => Call(method, good));
            foreach (var parameter in parameters)
            {
                foreach (object? value in Wrong(parameter))
                {
                    object?[] arguments = [.. good];
                    arguments[parameter.Position] = value;
                    cases.Refuses(
                        $"{method.Name}({parameters[0].ParameterType.Name}, ..., {parameter.Name}: {value ?? "null"})", () => Call(method, arguments));
                }
            }
        }
        cases.AssertGood(atLeast: 70);
    }

    [Fact]
    public void ColumnsOfTheSameName_AreRefused()
    {
        var cases = new MisuseCases();
        foreach (var kind in EstimatorKind.All)
        {
            string[] added = [.. kind.Options().GetType().GetProperties().Select(option => option.Name)
                .Where(name => name.EndsWith("ColumnName", StringComparison.Ordinal) && name != Weights && !kind.ReadColumns.ContainsKey(name))];
            foreach (string first in added)
            {
                foreach (string second in added.Where(second => string.CompareOrdinal(first, second) < 0))
                {
                    cases.Refuses($"{kind.Name}, {first} and {second}", () => kind.Estimator(s_context, options =>
                    {
                        if (options is MahaTextEncodingEstimator.Options encoding)
                            encoding.SegmentColumnName = "Segments";
                        foreach (string name in new[] { first, second })
                            options.GetType().GetProperty(name)!.SetValue(options, "Same");
                    }));
                }
            }
        }
        cases.AssertGood(atLeast: 9);
    }

    private static object? Good(ParameterInfo parameter) => parameter.ParameterType switch
    {
        var type when type == typeof(MulticlassClassificationCatalog.MulticlassClassificationTrainers) => s_context.MulticlassClassification.Trainers,
        var type when type == typeof(BinaryClassificationCatalog.BinaryClassificationTrainers) => s_context.BinaryClassification.Trainers,
        var type when type == typeof(TransformsCatalog) => s_context.Transforms,
        var type when typeof(MahaEstimatorOptions).IsAssignableFrom(type) => Activator.CreateInstance(type),
        _ when parameter.HasDefaultValue => parameter.DefaultValue,
        var type when type == typeof(string) => "Column",
        var type => throw new NotSupportedException($"A value of {type} must be tested, but none is known. Add one."),
    };

    private static IEnumerable<object?> Wrong(ParameterInfo parameter)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (type == typeof(int))
        {
            // Any number of epochs from 1 on, and of labels to list from 0 on, is valid.
            return parameter.Name switch
            {
                "numberOfEpochs" => [int.MinValue, -1, 0],
                "numberOfTopLabels" => [int.MinValue, -1],
                _ => [int.MinValue, -1, 0, int.MaxValue],
            };
        }
        if (type == typeof(double))
            return [double.NaN, double.NegativeInfinity, double.PositiveInfinity, -1.0, 0.0];
        bool isNullable = new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;
        return type == typeof(string) ? isNullable ? [""] : ["", null] : isNullable ? [] : [null];
    }

    private static void Call(MethodInfo method, object?[] arguments)
    {
        try
        {
            method.Invoke(null, arguments);
        }
        catch (TargetInvocationException e)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException!);
        }
    }
}
