using System.Collections;
using System.Reflection;
using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Pretrained;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using Microsoft.ML;
using TorchSharp;

namespace Maha.Build.Tests;

/// <summary>
/// The program that tests start from copies of their output. It calls members that use torch, and prints a line per call: the member, the type of the exception
/// and its message.
/// </summary>
public static class Program
{
    private static int s_rowsRead;

    /// <summary>Runs one of the lists of calls.</summary>
    public static void Main(string[] args)
    {
        switch (args[0])
        {
            case "modules":
                ConstructModules();
                break;
            case "entries":
                CallEntries();
                break;
            case "public":
                CallEverything();
                break;
            case "mlnet":
                FitAndLoad(args[1]);
                break;
            default:
                throw new ArgumentException($"The list must be modules, entries, public or mlnet, but is '{args[0]}'.", nameof(args));
        }
    }

    private static void ConstructModules()
    {
        foreach (var type in typeof(MahaEncoder).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(torch.nn.Module)) && !type.IsAbstract))
        {
            foreach (var constructor in type.GetConstructors(BindingFlags.Public | BindingFlags.Instance))
                Report(type.Name, () => constructor.Invoke(Arguments(constructor)));
        }
    }

    private static void CallEntries()
    {
        string weights = Path.GetTempFileName();
        SafetensorsWriter.Write(weights, new Dictionary<string, torch.Tensor>());
        var documents = TokenizedDataset.FromTokenIds(new int[][] { [1, 2, 3] });
        Report("TokenBatch.Create", () => TokenBatch.Create(documents, [0]));
        Report("BertWeights.LoadEncoder", () => BertWeights.LoadEncoder(weights, 2, 0, 1e-5));
        Report("BertWeights.CreateEncoder", () => BertWeights.CreateEncoder(new Dictionary<string, torch.Tensor>(), 2, 0, 1e-5));
        Report("SafetensorsReader.ReadAll", () =>
        {
            File.WriteAllBytes(weights, OneTensor());
            using var reader = SafetensorsReader.Open(weights);
            return reader.ReadAll();
        });
        File.Delete(weights);
    }

    // The public members that can be called without a tensor or a module.
    private static void CallEverything()
    {
        foreach (var assembly in new[] { typeof(MahaEncoder).Assembly, typeof(MahaCatalog).Assembly })
        {
            foreach (var type in assembly.GetExportedTypes().Where(type => !type.ContainsGenericParameters))
            {
                foreach (var constructor in type.GetConstructors(BindingFlags.Public | BindingFlags.Instance).Where(_ => !type.IsAbstract))
                    Report($"new {type.Name}", () => constructor.Invoke(Arguments(constructor)));
                foreach (var method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
                    .Where(method => !method.ContainsGenericParameters && !HasSpans(method)))
                {
                    Report($"{type.Name}.{method.Name}", () => method.Invoke(null, Arguments(method)));
                }
            }
        }
    }

    private static void FitAndLoad(string folder)
    {
        var mlContext = new MLContext();
        var rows = mlContext.Data.LoadFromEnumerable(Rows());
        var labels = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Fit(mlContext.Data.LoadFromEnumerable([new Row { Label = "a" }, new Row { Label = "b" }])).Transform(rows);
        // Estimators can be created, and return their schema, without native files.
        Report("multiclass", () => mlContext.MulticlassClassification.Trainers.MahaTextClassification().Fit(labels));
        Report("multiclass again", () => mlContext.MulticlassClassification.Trainers.MahaTextClassification().Fit(labels));
        Report("binary", () => mlContext.BinaryClassification.Trainers.MahaTextClassification(labelColumnName: "Flag").Fit(rows));
        Report("encoder", () => mlContext.Transforms.MahaEncode("Vector", "Text").Fit(rows));
        Report("language model", () => mlContext.Transforms.MahaLanguageModel("Continuation", "Text").Fit(rows));
        foreach (string file in Directory.GetFiles(folder, "*.zip").Order(StringComparer.Ordinal))
            Report(Path.GetFileName(file), () => mlContext.Model.Load(file, out _));
        Console.WriteLine($"rows read\t{s_rowsRead}");
    }

    private static IEnumerable<Row> Rows()
    {
        s_rowsRead++;
        yield return new Row { Label = "a", Text = "words" };
    }

    private static void Report(string call, Func<object?> run)
    {
        string type = "nothing", message = "";
        try
        {
            run();
        }
        catch (Exception e)
        {
            // Reflection, also that of ML.NET, wraps exceptions.
            while (e is TargetInvocationException { InnerException: { } inner })
                e = inner;
            (type, message) = (e.GetType().Name, e.Message.ReplaceLineEndings(" "));
        }
        Console.WriteLine($"{call}\t{type}\t{message}");
    }

    private static object?[] Arguments(MethodBase method) => [.. method.GetParameters().Select(parameter => Argument(parameter.ParameterType))];

    private static object? Argument(Type type) => type switch
    {
        _ when type == typeof(int) || type == typeof(int?) => 4,
        _ when type == typeof(long) || type == typeof(long?) => 4L,
        _ when type == typeof(double) => 0.1,
        _ when type == typeof(string) => "name",
        _ when type == typeof(MahaTransformerOptions) || type == typeof(MahaBlockOptions) => new MahaTransformerOptions { VocabSize = 300 },
        _ when type == typeof(TrainingOptions) => new TrainingOptions(),
        _ when type.IsInterface && type.IsGenericType && typeof(IEnumerable).IsAssignableFrom(type) && type.GetGenericArguments().Length == 1
            => Array.CreateInstance(type.GetGenericArguments()[0], 0),
        _ when type.IsValueType => Activator.CreateInstance(type),
        _ => null,
    };

    private static bool HasSpans(MethodInfo method)
        => method.GetParameters().Any(parameter => parameter.ParameterType.IsByRefLike || parameter.ParameterType.IsByRef || parameter.ParameterType.IsPointer);

    // A safetensors file with one float.
    private static byte[] OneTensor()
    {
        byte[] header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"u8.ToArray();
        return [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 0, 0, 0];
    }

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";

        public bool Flag { get; set; }
    }
}
