// dotnet run -c Release --project samples/OnnxMLNet -- exported documents.tsv   (each line of documents.tsv: a label, a tab, a text)
// Scores an exported classifier in a pipeline of ML.NET, without libtorch.
using Maha.Onnx;
using Microsoft.ML;
using Microsoft.ML.Data;

string folder = args[0];
var mlContext = new MLContext(seed: 1);
var reader = OnnxTextReader.Load(folder);
var documents = mlContext.Data.CreateEnumerable<Document>(mlContext.Data.LoadFromTextFile<Document>(args[1]), reuseRowObject: false).ToList();
var inputs = documents.Select(document => reader.Read(document.Text).InputIds).ToList();

// The columns of OnnxTransformer have one size: the ids are padded to the longest text.
int width = inputs.Max(ids => Math.Max(1, ids.Count));
var schema = SchemaDefinition.Create(typeof(Row));
schema["input_ids"].ColumnType = schema["attention_mask"].ColumnType = new VectorDataViewType(NumberDataViewType.Int64, width);
var rows = documents.Zip(inputs, (document, ids) => new Row { Label = document.Label, Ids = Pad(ids, id => id), Mask = Pad(ids, _ => 1) });
var data = mlContext.Data.LoadFromEnumerable(rows, schema);

var shapes = new Dictionary<string, int[]>
{
    ["input_ids"] = [1, width],
    ["attention_mask"] = [1, width],
    ["probabilities"] = [1, reader.Labels.Count],
};
var scorer = mlContext.Transforms.ApplyOnnxModel(
    ["probabilities"], ["input_ids", "attention_mask"], Path.Combine(folder, "model.onnx"), shapes, gpuDeviceId: null, fallbackToCpu: false).Fit(data);
int right = 0, row = 0;
foreach (float[] probabilities in scorer.Transform(data).GetColumn<float[]>("probabilities"))
{
    if (row < 3)
        Console.WriteLine(string.Join(' ', probabilities.Select(probability => probability.ToString("F4"))));
    right += reader.Labels[Array.IndexOf(probabilities, probabilities.Max())] == documents[row++].Label ? 1 : 0;
}
Console.WriteLine($"{right} of {row} predictions are the label");

long[] Pad(IReadOnlyList<int> ids, Func<int, long> value) => [.. ids.Select(value), .. new long[width - ids.Count]];

internal class Document
{
    [LoadColumn(0)] public string Label = "";
    [LoadColumn(1)] public string Text = "";
}

internal class Row
{
    public string Label = "";
    [ColumnName("input_ids")] public long[] Ids = [];
    [ColumnName("attention_mask")] public long[] Mask = [];
}
