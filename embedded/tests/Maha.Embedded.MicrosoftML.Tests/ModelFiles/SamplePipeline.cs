using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Maha.Embedded.MicrosoftML.Tests.ModelFiles;

/// <summary>Rows of every column type, and a pipeline of every step whose form in a model file is ML.NET's.</summary>
internal static class SamplePipeline
{
    public sealed class Row
    {
        public string? Text { get; set; }
        public string? Label { get; set; }
        public float Weight { get; set; }
        public double Ratio { get; set; }
        public int Count { get; set; }
        public ulong Large { get; set; }
        public byte Small { get; set; }
        public bool Flag { get; set; }
        [VectorType(3)]
        public float[]? Vector { get; set; }
        public string[]? Words { get; set; }
        [KeyType(5)]
        public uint Key { get; set; }
        public DateTime Time { get; set; }
        public DateTimeOffset ZonedTime { get; set; }
        public TimeSpan Span { get; set; }
    }

    public static Row[] Rows() => [.. Enumerable.Range(0, 23).Select(i => new Row
    {
        Text = i % 5 == 3 ? null : "tx " + i + (i % 7 == 0 ? " \u00e9\u4e2d\ud83d\ude00" : ""),
        Label = i % 6 == 4 ? "" : "c" + (i * 7 % 5),
        Weight = i % 4 == 2 ? float.NaN : -i / 3f,
        Ratio = i * 0.1,
        Count = i * 31 % 7,
        Large = (ulong)i << 40,
        Small = (byte)i,
        Flag = i % 3 == 0,
        Vector = [i, 0, i % 2],
        Words = ["w" + (i % 3), "", "z"],
        Key = (uint)(i % 7),
        Time = new DateTime(2020, 1, 1).AddHours(i),
        ZonedTime = new DateTimeOffset(2020, 1, 1, 0, 0, i, TimeSpan.FromHours(2)),
        Span = TimeSpan.FromMinutes(i),
    })];

    public static ITransformer Fit(MLContext context, IDataView data)
    {
        string[] columns = ["Text", "Label", "Weight", "Ratio", "Count", "Large", "Small", "Flag", "Vector", "Words", "Time", "ZonedTime", "Span"];
        InputOutputColumnPair[] keys = [.. columns.Select(c => new InputOutputColumnPair(c + "Key", c))];
        return context.Transforms.Conversion.MapValueToKey("LabelKey", "Label", maximumNumberOfKeys: 4)
            .Append(context.Transforms.Conversion.MapValueToKey("KeyKey", "Key"))
            .Append(context.Transforms.Conversion.MapValueToKey(keys, keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue, addKeyValueAnnotationsAsText: true))
            .Append(context.Transforms.Concatenate("Features", "Weight", "Vector"))
            .Append(context.Transforms.Concatenate("AllFeatures", "Features", "Weight"))
            .Append(context.Transforms.CopyColumns("Weight", "Ratio"))
            .Append(context.Transforms.Conversion.MapKeyToValue("LabelAgain", "LabelKey"))
            .Append(context.Transforms.DropColumns("Time", "ZonedTime"), TransformerScope.TrainTest)
            .Append(context.Transforms.SelectColumns(["AllFeatures", "LabelKey", "LabelAgain", "Weight", "TextKey", "WordsKey", "Text"], keepHidden: true))
            .Fit(data);
    }
}
