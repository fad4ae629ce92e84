// dotnet run -c Release --project samples/Search -- [FOLDER] [PAGES]
// Finds manual pages by their one-line summaries, which are taken out of the pages. FOLDER has section.train.tsv and section.test.tsv (a line is label TAB
// text); by default it is the folder of the manual pages that ./run.sh fetches.
using System.Diagnostics;
using System.Numerics.Tensors;
using Maha.Extensions.AI;
using Maha.MLNet;
using Maha.MLNet.TextEncoding;
using Maha.Samples.Data.ManualPages;
using Microsoft.Extensions.AI;
using Microsoft.ML;

const int found = 10;
string folder = args.Length > 0 ? args[0] : "artifacts/data/manpages";
int count = args.Length > 1 ? int.Parse(args[1]) : 300;
string train = ManualPageData.TrainFile(folder, "section"), test = ManualPageData.TestFile(folder, "section");
if (!File.Exists(train) || !File.Exists(test))
{
    Console.Error.WriteLine($"There is no file '{train}' or '{test}'. Run ./run.sh --quick once, which fetches the manual pages, or name a folder.");
    return 2;
}

// A query is the first line of a page, the document is the rest. Lines that several pages share are left out.
var pages = ManualPageData.Read(test).Select(page => page.Text.Split('\n', 2)).Where(parts => parts.Length == 2 && parts[1].Length > 0)
    .GroupBy(parts => parts[0].Trim()).Where(group => group.Count() == 1).Take(count).ToList();
string[] queries = [.. pages.Select(group => group.Key)], documents = [.. pages.Select(group => group.Single()[1].Trim())];
Console.WriteLine($"{documents.Length} pages, each searched by its summary");
Console.WriteLine($"{"encoder",-10} {"fit s",6} {"pages/s",8} {"searches/s",10} {"recall@1",8} {$"recall@{found}",9} {"MRR",6}");

var mlContext = new MLContext(seed: 1);
// Without labels, from other pages. The spectral parts need no training of a network.
var corpus = mlContext.Data.LoadFromEnumerable(ManualPageData.Read(train).Select(page => new Document { Text = page.Text }));
await Measure("spectral", new() { ContextualWeight = 0, NumberOfEpochs = 1, MaxTrainingTime = TimeSpan.FromSeconds(30), NormalizeLength = true });
await Measure("pretrained", new() { PretrainedModel = MahaPretrained.MiniLM, SpectralDim = 0, NormalizeLength = true, MaxSequenceLength = 512 });
return 0;

async Task Measure(string name, MahaTextEncodingEstimator.Options options)
{
    (options.OutputColumnName, options.InputColumnName) = ("Features", "Text");
    var clock = Stopwatch.StartNew();
    using IEmbeddingGenerator<string, Embedding<float>> generator = new MahaEmbeddingGenerator(mlContext.Transforms.MahaEncode(options).Fit(corpus));
    double fit = clock.Elapsed.TotalSeconds;

    clock.Restart();
    float[][] index = Vectors(await generator.GenerateAsync(documents));
    double pagesPerSecond = documents.Length / clock.Elapsed.TotalSeconds;
    float[][] asked = Vectors(await generator.GenerateAsync(queries));

    // Exact search: the vectors have the length 1, so that their dot product is the cosine of their angle.
    clock.Restart();
    int[] ranks = new int[queries.Length];
    float[] scores = new float[index.Length];
    for (int query = 0; query < queries.Length; query++)
    {
        for (int page = 0; page < index.Length; page++)
            scores[page] = TensorPrimitives.Dot(asked[query], index[page]);
        ranks[query] = scores.Count(score => score > scores[query]) + 1;
    }
    double searchesPerSecond = queries.Length / clock.Elapsed.TotalSeconds;
    double first = ranks.Count(rank => rank == 1) / (double)ranks.Length, among = ranks.Count(rank => rank <= found) / (double)ranks.Length;
    double reciprocal = ranks.Average(rank => 1.0 / rank);
    Console.WriteLine($"{name,-10} {fit,6:F1} {pagesPerSecond,8:F1} {searchesPerSecond,10:F0} {first,8:F3} {among,9:F3} {reciprocal,6:F3}");
}

static float[][] Vectors(GeneratedEmbeddings<Embedding<float>> embeddings) => [.. embeddings.Select(embedding => embedding.Vector.ToArray())];

internal class Document
{
    public string Text { get; set; } = "";
}
