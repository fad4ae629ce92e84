using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Maha.Layers.Attention;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Maha.MLNet.AutoML.Tests;

/// <summary>The searched values are written by hand: they must be within the ranges of the estimators' options, and the documentation must state them.</summary>
public sealed class MahaSearchOptionsTests
{
    private static readonly TimeSpan s_shortTrial = TimeSpan.FromSeconds(60);

    private static SearchSpace<MahaSearchOptions>[] ClassifierSpaces =>
    [
        MahaSearchOptions.Space(s_shortTrial), MahaSearchOptions.Space(),
        MahaSearchOptions.ClassificationSpace(new MahaTextClassificationTrainer.Options { PretrainedModel = "model.zip" }),
    ];

    public static TheoryData<string> Members => [.. typeof(MahaSearchOptions).GetProperties().Select(property => property.Name)];

    [Fact]
    public void SearchedValuesOfClassifiers_AreInTheRangesOfTheOptions() =>
        Assert.All(ClassifierSpaces.SelectMany(Ends), end => ClassifierFitting.Check(Apply(end, new MahaTextClassificationTrainer.Options())));

    [Fact]
    public void SearchedValuesOfEncoders_AreInTheRangesOfTheOptions() =>
        Assert.All(Ends(MahaSearchOptions.EncodingSpace(new())), end => EncoderFitting.Check(Apply(end, new MahaTextEncodingEstimator.Options())));

    [Theory]
    [InlineData("Dropout", 1.5)]
    [InlineData("NumScales", 13.0)]
    [InlineData("LearningRate", -0.1)]
    public void ValueOutsideTheRangeOfItsOption_IsRefused(string name, double value)
    {
        object boxed = name == "NumScales" ? (int)value : value;
        var end = new SearchSpace<MahaSearchOptions> { { name, new ChoiceOption(boxed) } }.SampleFromFeatureSpace([]);
        Assert.Throws<ArgumentOutOfRangeException>(() => ClassifierFitting.Check(Apply((name, end), new MahaTextClassificationTrainer.Options())));
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void Documentation_StatesTheSearchedValues(string name)
    {
        var documentation = XDocument.Load(Path.ChangeExtension(typeof(MahaSearchOptions).Assembly.Location, ".xml"));
        string member = $"P:{typeof(MahaSearchOptions).FullName}.{name}";
        string text = documentation.Descendants("member").Single(one => one.Attribute("name")!.Value == member).Element("value")!.Value;
        var values = new[] { MahaSearchOptions.Space(s_shortTrial), MahaSearchOptions.Space() }
            .SelectMany(Ends).Where(end => end.Name == name).Select(end => Show(typeof(MahaSearchOptions).GetProperty(name)!.GetValue(end.Value)!));
        Assert.All(values.Distinct(), value => Assert.Matches($@"(?<![\w,.]){Regex.Escape(value)}(?![\w]|[,.]\d)", text));
    }

    /// <summary>The first and the last value of every dimension and its default, each as options that set it alone.</summary>
    private static IEnumerable<(string Name, MahaSearchOptions Value)> Ends(SearchSpace<MahaSearchOptions> space)
    {
        foreach (var (name, option) in space)
        {
            foreach (double[] point in new[] { [0], [1], option.Default })
                yield return (name, new SearchSpace<MahaSearchOptions> { { name, option } }.SampleFromFeatureSpace(point));
        }
    }

    /// <summary>Sets the value on options whose attention has it.</summary>
    private static TOptions Apply<TOptions>((string Name, MahaSearchOptions Value) end, TOptions options) where TOptions : MahaEstimatorOptions
    {
        AttentionKind[] kinds = [AttentionKind.Hsa, AttentionKind.Maha, AttentionKind.Window];
        options.Attention = kinds.First(kind =>
        {
            options.Attention = kind;
            return options.Uses(end.Name);
        });
        var merged = end.Value.ApplyTo(options);
        Assert.Equal(
            typeof(MahaSearchOptions).GetProperty(end.Name)!.GetValue(end.Value), typeof(MahaEstimatorOptions).GetProperty(end.Name)!.GetValue(merged));
        return merged;
    }

    private static string Show(object value) => value switch
    {
        int number => number.ToString("N0", CultureInfo.InvariantCulture),
        double number => number.ToString("0.######", CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
