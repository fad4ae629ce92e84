using Maha.MLNet.MultiLabel;
using Microsoft.ML;

namespace Maha.MLNet.Tests.MultiLabel;

/// <summary>The labels of a validation set and of predictions must be those of the training data.</summary>
public sealed class LabelSetTests
{
    private readonly MLContext _mlContext = new(1);

    public static TheoryData<string, bool> Others => new()
    {
        { "texts", false }, { "texts", true }, { "one text", false }, { "one text", true }, { "keys", true },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void AValidationSetWithOtherLabels_IsRefused(string form, bool hasAll)
    {
        var validation = LabelToys.Rows(20, seed: 2);
        foreach (var row in validation)
        {
            row.Label = [.. row.Label.Select(label => hasAll || label == "tools" ? label.ToUpperInvariant() : label)];
            row.Joined = string.Join(';', row.Label);
        }
        var refusal = Assert.Throws<ArgumentException>(() => Fit(form, LabelToys.Rows(40), validation).Dispose());
        Assert.Equal("ValidationSet", refusal.ParamName);
        Assert.StartsWith("The validation set must have the labels of the training data (animals, tools, weather), but ", refusal.Message);
        Assert.Contains(hasAll ? "ANIMALS" : "TOOLS", refusal.Message);
        Assert.DoesNotContain(hasAll ? "'animals'" : "'tools'", refusal.Message);
        Assert.Contains(form == "keys" ? "Map both with one fitted MapValueToKey." : "Correct it, or leave it out.", refusal.Message);
    }

    [Theory]
    [InlineData("texts")]
    [InlineData("one text")]
    public void AValidationSetWithFewerLabels_IsTaken(string form)
    {
        var validation = LabelToys.Rows(20, seed: 2).Where(row => !row.Label.Contains("tools")).ToList();
        Assert.NotEmpty(validation);
        using var model = Fit(form, LabelToys.Rows(40), validation);
        Assert.Equal(Toys.Labels, model.Labels);
    }

    [Theory]
    [InlineData("texts")]
    [InlineData("one text")]
    public void LabelsThatTheModelDoesNotKnow_DoNotCountInAnEvaluation(string form)
    {
        using var model = Fit(form, LabelToys.Rows(40), LabelToys.Rows(20, seed: 2));
        var rows = LabelToys.Rows(20, seed: 3);
        var expected = Evaluate(rows);
        foreach (var row in rows)
            (row.Label, row.Joined) = ([.. row.Label, "new"], row.Joined + ";new");
        var metrics = Evaluate(rows);
        Assert.Equal(expected.MicroF1, metrics.MicroF1);
        Assert.Equal(expected.PerLabel, metrics.PerLabel);

        MultiLabelMetrics Evaluate(List<Tagged> tagged)
        {
            var scored = model.Transform(_mlContext.Data.LoadFromEnumerable(tagged));
            return form == "texts" ? _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(scored)
                : _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(scored, labelColumnName: "Joined", labelSeparator: ";");
        }
    }

    private MahaMultiLabelTextClassificationTransformer Fit(string form, List<Tagged> training, List<Tagged> validation) => LabelToys.Trainer(_mlContext, o =>
    {
        o.NGrams = true;
        o.ValidationSet = form == "keys" ? KeyedAsTheyAre(validation) : _mlContext.Data.LoadFromEnumerable(validation);
        if (form == "one text")
            (o.LabelColumnName, o.LabelSeparator) = ("Joined", ";");
    }).Fit(form == "keys" ? LabelToys.Keyed(_mlContext, training) : _mlContext.Data.LoadFromEnumerable(training));

    private IDataView KeyedAsTheyAre(List<Tagged> rows)
    {
        var data = _mlContext.Data.LoadFromEnumerable(rows);
        return _mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
    }
}
