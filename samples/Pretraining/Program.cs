// dotnet run -c Release --project samples/Pretraining -- [FOLDER] [EPOCHS]
// Encodes a corpus once, saves the encoder, and trains three classifiers on its vectors. FOLDER has section.train.tsv, section.test.tsv, project.train.tsv
// and project.test.tsv (a line is label TAB text); by default it is the folder of the manual pages that ./run.sh fetches.
using System.Diagnostics;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

string folder = args.Length > 0 ? args[0] : "artifacts/data/manpages";
string Tsv(string name) => Path.Combine(folder, name + ".tsv");
if (!File.Exists(Tsv("section.train")))
{
    Console.Error.WriteLine($"There is no file '{Tsv("section.train")}'. Run ./run.sh --quick once, which fetches the manual pages, or name a folder.");
    return 2;
}
var mlContext = new MLContext(seed: 1);
IDataView Load(string name) => mlContext.Data.LoadFromTextFile<Document>(Tsv(name));

// Once: learn to encode, without labels, and save.
var clock = Stopwatch.StartNew();
var corpus = Load("section.train");
var options = new MahaTextEncodingEstimator.Options { OutputColumnName = "Features", InputColumnName = "Text", MaxTrainingTime = TimeSpan.FromMinutes(3) };
if (args.Length > 1)
    options.NumberOfEpochs = int.Parse(args[1]);
string file = Path.Combine(folder, "encoder.zip");
using (var fitted = mlContext.Transforms.MahaEncode(options).Fit(corpus))
    mlContext.Model.SaveSafely(fitted, corpus.Schema, file);
Console.WriteLine($"encoder learned and saved in {clock.Elapsed.TotalSeconds:F0} s: {file}");

// Anywhere else: load it, and turn the documents of every task into vectors once.
var encoder = mlContext.Model.LoadSafely(file, out _);
using var owned = (IDisposable)encoder;
IDataView Encode(string name) => mlContext.Data.Cache(encoder.Transform(Load(name)), "Label", "Features");
var (sections, sectionTest) = (Encode("section.train"), Encode("section.test"));
var (projects, projectTest) = (Encode("project.train"), Encode("project.test"));

// Three classifiers on the same vectors.
double Multiclass(IDataView train, IDataView test)
{
    var model = mlContext.Transforms.Conversion.MapValueToKey("Label").Append(mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(train);
    return mlContext.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
}
Console.WriteLine($"section: accuracy {Multiclass(sections, sectionTest):F4}");
Console.WriteLine($"project: accuracy {Multiclass(projects, projectTest):F4}");

// The third classifier tells whether a page belongs to the first section of the corpus.
string first = mlContext.Data.CreateEnumerable<Document>(corpus, reuseRowObject: false).First().Label;
IDataView IsFirst(IDataView data) => mlContext.Transforms
    .CustomMapping<Labeled, Verdict>((row, verdict) => verdict.IsFirst = row.Label == first, null).Fit(data).Transform(data);
var binary = mlContext.BinaryClassification.Trainers.LbfgsLogisticRegression("IsFirst").Fit(IsFirst(sections));
Console.WriteLine($"{first} or not: accuracy {mlContext.BinaryClassification.Evaluate(binary.Transform(IsFirst(sectionTest)), "IsFirst").Accuracy:F4}");
Console.WriteLine($"all in {clock.Elapsed.TotalSeconds:F0} s");
return 0;

internal class Document
{
    [LoadColumn(0)] public string Label = "";
    [LoadColumn(1)] public string Text = "";
}

internal class Labeled
{
    public string Label = "";
}

internal class Verdict
{
    public bool IsFirst;
}
