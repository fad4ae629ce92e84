// dotnet run -c Release --project samples/OnnxConsole -- exported documents.tsv   (each line of documents.tsv: a label, a tab, a text)
// Scores an exported classifier with ONNX Runtime and Microsoft.ML.Tokenizers alone.
using Microsoft.ML.OnnxRuntime;

var texts = new TextIds(args[0]);
using var session = new InferenceSession(Path.Combine(args[0], "model.onnx"));
using var options = new RunOptions();
int right = 0, count = 0;
foreach (string line in File.ReadLines(args[1]))
{
    string[] fields = line.Split('\t', 2);
    long[] ids = texts.Encode(fields[1]);
    long[] mask = [.. ids.Select(_ => 1L)];
    if (ids.Length == 0)
        (ids, mask) = ([0], [0]); // a text without ids is one column of padding
    using var idValue = OrtValue.CreateTensorValueFromMemory(ids, [1, ids.Length]);
    using var maskValue = OrtValue.CreateTensorValueFromMemory(mask, [1, mask.Length]);
    using var results = session.Run(options, ["input_ids", "attention_mask"], [idValue, maskValue], ["probabilities"]);
    float[] probabilities = results[0].GetTensorDataAsSpan<float>().ToArray();
    if (count++ < 3)
        Console.WriteLine(string.Join(' ', probabilities.Select(probability => probability.ToString("F4"))));
    right += texts.Labels[Array.IndexOf(probabilities, probabilities.Max())] == fields[0] ? 1 : 0;
}
Console.WriteLine($"{right} of {count} predictions are the label");
