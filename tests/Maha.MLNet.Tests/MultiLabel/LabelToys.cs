using Maha.MLNet.MultiLabel;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.MultiLabel;

/// <summary>A row with several labels.</summary>
public sealed class Tagged
{
    public string[] Label { get; set; } = [];

    public string Joined { get; set; } = "";

    public string? Text { get; set; }

    public float Weight { get; set; }
}

/// <summary>What a multi-label classifier says.</summary>
public sealed class TagPrediction
{
    public float[] Score { get; set; } = [];

    public float[] Probability { get; set; } = [];

    [ColumnName("Names")]
    public string[] Labels { get; set; } = [];
}

/// <summary>Small documents with the labels of the toys.</summary>
internal static class LabelToys
{
    private static readonly string[][] s_words = [["cat", "dog", "horse", "otter"], ["hammer", "saw", "chisel", "drill"], ["rain", "snow", "wind", "fog"]];

    /// <summary>Documents with none, one, two or all of three labels, whose words give them away.</summary>
    public static List<Tagged> Rows(int count, int seed = 1)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable.Range(0, count).Select(i =>
            {
                int[] set = [.. Enumerable.Range(0, 3).Where(l => (i >> l) % 2 == 1)];
                string[] names = [.. set.Select(l => Toys.Labels[l])];
                string text = string.Join(' ', set.SelectMany(l => Enumerable.Range(0, 3).Select(_ => s_words[l][random.Next(4)]))
                    .Append(Toys.Filler(random, 5)));
                return new Tagged { Label = names, Joined = string.Join("; ", names), Text = text, Weight = 1 };
            }),
        ];
    }

    /// <summary>The rows with keys in place of the labels.</summary>
    public static IDataView Keyed(MLContext mlContext, IEnumerable<Tagged> rows)
    {
        var data = mlContext.Data.LoadFromEnumerable(rows);
        var values = mlContext.Data.LoadFromEnumerable(Toys.Labels.Select(label => new KeyRow { Value = label }));
        return mlContext.Transforms.Conversion.MapValueToKey("Label", keyData: values).Fit(data).Transform(data);
    }

    /// <summary>A trainer of the smallest useful model.</summary>
    public static MahaMultiLabelTextClassificationTrainer Trainer(
        MLContext mlContext, Action<MahaMultiLabelTextClassificationTrainer.Options>? change = null, int epochs = 1)
    {
        var options = Toys.Small<MahaMultiLabelTextClassificationTrainer.Options>(epochs);
        change?.Invoke(options);
        return mlContext.MulticlassClassification.Trainers.MahaMultiLabelTextClassification(options);
    }

    /// <summary>The predictions of a model.</summary>
    public static List<TagPrediction> Predict(MLContext mlContext, ITransformer model, IDataView data)
    {
        var scored = model.Transform(data);
        var named = mlContext.Transforms.Conversion.MapKeyToValue("Names", "PredictedLabels").Fit(scored).Transform(scored);
        return [.. mlContext.Data.CreateEnumerable<TagPrediction>(named, reuseRowObject: false)];
    }

    private sealed class KeyRow
    {
        public string Value { get; set; } = "";
    }
}
