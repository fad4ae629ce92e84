using System.Globalization;
using Maha.Benchmarks.Classification;
using Microsoft.ML;

namespace Maha.Benchmarks.TextEncoding;

/// <summary><c>neighbors</c>: the documents whose vectors are nearest to those of ten documents, which shows what the vectors encode.</summary>
internal static class NeighborsCommand
{
    public const string Arguments = "[--data FILE] [--documents N] [--neighbors N] " + EncoderChoice.Arguments;

    private const int ShownCharacters = 72;

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        var documents = EmbeddingCorpus.Read(options, needsTest: false).Training;
        int asked = Math.Min(options.Integer("--documents", 10), documents.Count), shown = options.Integer("--neighbors", 3);
        var encoder = EncoderChoice.Read(options);
        var mlContext = EncoderChoice.CreateContext(options);
        options.RefuseLeft();
        encoder.NormalizeLength = true;

        EnvironmentHeader.Print(Console.Out);
        using var model = mlContext.Transforms.MahaEncode(encoder).Fit(EmbeddingsCommand.Texts(mlContext, documents));
        var vectors = EmbeddingsCommand.Encode(mlContext, model, documents);
        for (int i = 0; i < asked; i++)
        {
            int document = (int)((long)i * documents.Count / asked);
            Console.WriteLine($"[{documents[document].Label}] {Start(documents[document])}");
            var nearest = Enumerable.Range(0, documents.Count).Where(other => other != document)
                .Select(other => (Other: other, Cosine: Cosine(vectors[document].Features, vectors[other].Features)))
                .OrderByDescending(pair => pair.Cosine).Take(shown);
            foreach (var (other, cosine) in nearest)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {cosine:F3} [{documents[other].Label}] {Start(documents[other])}"));
        }
        return ExitCode.Success;
    }

    // The vectors have the length 1.
    private static double Cosine(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return sum;
    }

    private static string Start(LabeledDocument document)
    {
        string text = document.Text.ReplaceLineEndings(" ").Trim();
        return text.Length <= ShownCharacters ? text : text[..ShownCharacters] + "...";
    }
}
