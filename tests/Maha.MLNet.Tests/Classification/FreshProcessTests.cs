using System.Globalization;
using Maha.TestData;

namespace Maha.MLNet.Tests.Classification;

[Collection(FittedCollection.Name)]
public sealed class FreshProcessTests(FittedModels fitted) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AnotherProcess_LoadsTheModel_AndPredictsTheSame()
    {
        var documents = Toys.Documents(20, seed: 8);
        string model = Path.Combine(_folder, "model.zip"), texts = Path.Combine(_folder, "texts.tsv");
        File.WriteAllBytes(model, fitted.Zip);
        File.WriteAllLines(texts, documents.Select(document => $"{document.Label}\t{document.Text}"));
        var (exitCode, output, error) = SampleProgram.Run("TextClassification", _folder, "predict", "--model", model, "--threads", "1", texts);
        Assert.True(exitCode == 0, error);
        var expected = fitted.Predict([.. documents.Select(document => document.Text)])
            .Select(prediction => string.Create(CultureInfo.InvariantCulture, $"{prediction.Label}\t{prediction.Score!.Max():R}"));
        Rows.Agree(expected, output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
