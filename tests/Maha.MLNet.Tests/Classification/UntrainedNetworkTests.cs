using System.Globalization;
using System.Text.Json.Nodes;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.MultiLabel;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>What a training that ends early makes of its network, beside n-grams.</summary>
public sealed class UntrainedNetworkTests
{
    private const string Alone = "The model is its n-grams alone: the network has the weight 0, since ";

    private readonly MLContext _mlContext = new(1);
    private readonly List<string> _warnings;

    public UntrainedNetworkTests() => _warnings = Warnings.Of(_mlContext);

    public static TheoryData<string, double> Cases
    {
        get
        {
            var cases = new TheoryData<string, double>();
            foreach (string kind in new[] { "multiclass", "binary", "multi-label" })
            {
                cases.Add(kind, 0);
                cases.Add(kind, 0.3);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ANetworkWithACompleteEpoch_IsKept(string kind, double fraction)
    {
        Assert.True(NetworkWeight(kind, o => o.ValidationFraction = fraction, cancelsIn: 3) > 0);
        Assert.DoesNotContain(_warnings, warning => warning.StartsWith(Alone, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ANetworkWithoutACompleteEpoch_IsLeftOut_AndTheCauseIsNamed(string kind, double fraction)
    {
        Assert.Equal(0, NetworkWeight(kind, o => o.ValidationFraction = fraction, cancelsIn: 1));
        Assert.Equal($"{Alone}the training was canceled before {End(fraction)}. Cancel it later.", Assert.Single(_warnings));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ANetworkWithoutTime_IsLeftOut_AndTheLimitIsNamed(string kind, double fraction)
    {
        Assert.Equal(0, NetworkWeight(kind, o =>
        {
            // An epoch has many steps, and each waits.
            (o.ValidationFraction, o.TokensPerBatch, o.MaxTrainingTime) = (fraction, 64, TimeSpan.FromSeconds(0.1));
            o.Progress = new AtOnce(_ => Thread.Sleep(100));
        }));
        string expected = $"{Alone}MaxTrainingTime (00:00:00.1000000) was over before {End(fraction)}. Give it more time, or fewer documents.";
        Assert.Single(_warnings, expected);
    }

    [Theory]
    [InlineData("multiclass")]
    [InlineData("binary")]
    public void ANetworkThatContradictsTheValidationDocuments_IsLeftOut_AndTheCauseIsNamed(string kind)
    {
        // Every class has the words of another one.
        const int count = 240;
        var documents = Toys.Documents(count, seed: 2);
        documents.ForEach(document => document.Label = Toys.Labels[(Array.IndexOf(Toys.Labels, document.Label) + 1) % 3]);
        var verdicts = Toys.Verdicts(count, seed: 2);
        verdicts.ForEach(verdict => verdict.Label = !verdict.Label);
        var validation = kind == "binary"
            ? _mlContext.Data.LoadFromEnumerable(verdicts)
            : _mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(_mlContext.Data.LoadFromEnumerable(Toys.Documents(3)))
                .Transform(_mlContext.Data.LoadFromEnumerable(documents));
        Assert.Equal(0, NetworkWeight(kind, o => (o.ValidationSet, o.TokensPerBatch) = (validation, 64), count: count, epochs: 2));
        string expected = $"{Alone}the validation documents are predicted better without it. Give it more documents, more epochs, another Seed or pretrained weights.";
        Assert.Single(_warnings, expected);
    }

    private static string End(double fraction) => fraction > 0 ? "the network was validated once" : "the network had a complete epoch";

    private double NetworkWeight(string kind, Action<MahaSupervisedOptions> change, int? cancelsIn = null, int count = 60, int epochs = 50)
    {
        using var source = new CancellationTokenSource();
        void Set(MahaSupervisedOptions o)
        {
            (o.NGrams, o.CancellationToken, o.CancellationBehavior, o.EarlyStoppingPatience) = (true, source.Token, CancellationBehavior.KeepBest, null);
            o.Progress = new AtOnce(now =>
            {
                if (now.Epoch == cancelsIn)
                    source.Cancel();
            });
            change(o);
        }
        if (kind == "multi-label")
        {
            var tagged = _mlContext.Data.LoadFromEnumerable(LabelToys.Rows(count));
            using var model = LabelToys.Trainer(_mlContext, Set, epochs).Fit(tagged);
            var zip = new ModelZip(ModelZip.Save(_mlContext, model, tagged.Schema));
            return double.Parse(JsonNode.Parse(zip["Classifier.json"])!["Network"]!.ToJsonString(), CultureInfo.InvariantCulture);
        }
        if (kind == "binary")
        {
            using var model = Toys.BinaryTrainer(_mlContext, Set, epochs).Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(count)));
            return model.Classifier.Manifest.NGrams!.Value.Deep;
        }
        using var multiclass = Toys.Trainer(_mlContext, Set, epochs).Fit(Toys.Keyed(_mlContext, Toys.Documents(count)));
        return multiclass.Classifier.Manifest.NGrams!.Value.Deep;
    }
}
