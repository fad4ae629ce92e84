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
    ];

    private static readonly string[] s_members = [.. typeof(MahaSearchOptions).GetProperties().Select(property => property.Name)];

    public static TheoryData<string> Members => [.. s_members];

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
        var values = new[] { MahaSearchOptions.Space(s_shortTrial), MahaSearchOptions.Space(pretrainedModel: "encoder.onnx") }
            .SelectMany(Ends).Where(end => end.Name == name).Select(end => Show(typeof(MahaSearchOptions).GetProperty(name)!.GetValue(end.Value)!));
        Assert.All(values.Distinct(), value => Assert.Matches($@"(?<![\w,.]){Regex.Escape(value)}(?![\w]|[,.]\d)", text));
    }

    // A member that no space has would be one that nothing searches.
    [Fact]
    public void SpaceOfAnEncoderOfWindows_HasEveryMember() =>
        Assert.Equal(s_members.Order(), MahaSearchOptions.Space(pretrainedModel: "encoder.onnx").Keys.Order());

    [Fact]
    public void SpaceOfAMahaModel_HasNoDocumentLayers() =>
        Assert.Equal(s_members.Except(["DocumentLayers"]).Order(), MahaSearchOptions.Space(pretrainedModel: "model.zip").Keys.Order());

    // A member that is null, since its entry was removed, keeps the option's value: the attention applies where that has a layer.
    [Theory]
    [InlineData(0, false)]
    [InlineData(2, true)]
    public void AttentionOfATrial_AppliesWhereTheOptionsHaveDocumentLayers(int layers, bool applies)
    {
        var space = MahaSearchOptions.Space(pretrainedModel: "encoder.onnx");
        space["Pretrained"] = new ChoiceOption(true);
        space.Remove("DocumentLayers");
        space["Attention"] = new ChoiceOption(AttentionKind.Maha);
        space["NumScales"] = new ChoiceOption(2);
        var options = Default(space).ApplyTo(new MahaTextClassificationTrainer.Options { PretrainedModel = "encoder.onnx", DocumentLayers = layers });
        Assert.Equal(layers, options.DocumentLayers);
        Assert.Equal(applies ? (AttentionKind.Maha, 2) : (AttentionKind.Hsa, null), (options.Attention, options.NumScales));
    }

    // Without labels nothing of an encoder that reads windows is trained.
    [Fact]
    public void SpaceOfMahaEncodeOverAnEncoderOfWindows_HasTheLengthAlone()
    {
        var estimator = new MahaTextEncodingEstimator.Options { PretrainedModel = "encoder.onnx" };
        Assert.Equal(["MaxSequenceLength"], MahaSearchOptions.EncodingSpace(estimator).Keys);
        var searched = new MahaSearchOptions { LearningRate = 0.1, PretrainedLearningRate = 0.2, Dropout = 0.3, NumberOfEpochs = 7, MaxSequenceLength = 64 };
        var options = searched.ApplyTo(estimator);
        Assert.Equal(
            (estimator.LearningRate, estimator.Dropout, estimator.NumberOfEpochs, 64),
            (options.LearningRate, options.Dropout, options.NumberOfEpochs, options.MaxSequenceLength));
    }

    [Fact]
    public void FirstTrial_StartsFromRandomWeights()
    {
        var space = MahaSearchOptions.Space(pretrainedModel: "encoder.onnx");
        var options = Default(space).ApplyTo(new MahaTextClassificationTrainer.Options { PretrainedModel = "encoder.onnx", DocumentLayers = 2 });
        Assert.Null(options.PretrainedModel);
        Assert.Equal(2e-3, options.LearningRate, 12);
        Assert.Equal((0, 64, 4), (options.DocumentLayers, options.DModel, options.NumberOfEpochs!.Value));
    }

    [Fact]
    public void ATrial_HasTheWeightsAndTheAbstentionOfTheOptions()
    {
        var options = new MahaTextClassificationTrainer.Options
        {
            ExampleWeightColumnName = "Weight",
            ClassWeights = new Dictionary<string, double> { ["rare"] = 4 },
            Abstention = Abstention.ForAccuracy(0.9),
        };
        var trial = Default(MahaSearchOptions.Space()).ApplyTo(options);
        Assert.Equal("Weight", trial.ExampleWeightColumnName);
        Assert.Equal(4, trial.ClassWeights!["rare"]);
        Assert.Same(options.Abstention, trial.Abstention);
    }

    [Fact]
    public void PretrainedTrial_LeavesTheArchitectureToTheModel()
    {
        var space = MahaSearchOptions.Space(pretrainedModel: "encoder.onnx");
        space["Pretrained"] = new ChoiceOption(true);
        var given = new MahaTextClassificationTrainer.Options
        {
            PretrainedModel = "encoder.onnx",
            VocabSize = 999,
            FeedForwardDim = 7,
            Attention = AttentionKind.Full,
        };
        var options = Default(space).ApplyTo(given);
        var defaults = new MahaTextClassificationTrainer.Options();
        Assert.Same(given.PretrainedModel, options.PretrainedModel);
        Assert.Equal(
            (defaults.DModel, defaults.NumHeads, defaults.NumLayers, defaults.VocabSize, defaults.FeedForwardDim),
            (options.DModel, options.NumHeads, options.NumLayers, options.VocabSize, options.FeedForwardDim));
        Assert.Equal(1e-3, options.LearningRate, 12);
        Assert.Equal((256, null), (options.MaxSequenceLength, options.NumberOfEpochs));
        // Without a block over the document there is no attention to choose.
        Assert.Equal((0, AttentionKind.Full), (options.DocumentLayers, options.Attention));

        space["DocumentLayers"] = new ChoiceOption(2);
        options = Default(space).ApplyTo(given);
        Assert.Equal((2, AttentionKind.Hsa), (options.DocumentLayers, options.Attention));
    }

    [Fact]
    public void PretrainedMahaModel_IsTrainedForTheSearchedEpochs()
    {
        var space = MahaSearchOptions.Space(pretrainedModel: "model.zip");
        space["Pretrained"] = new ChoiceOption(true);
        var options = Default(space).ApplyTo(new MahaTextClassificationTrainer.Options { PretrainedModel = "model.zip" });
        Assert.Equal(5e-4, options.LearningRate, 12);
        Assert.Equal((4, 128), (options.NumberOfEpochs!.Value, options.DModel));
    }

    [Fact]
    public void PretrainedTrial_WithoutAPretrainedModel_IsRefused()
    {
        var space = new SearchSpace<MahaSearchOptions> { { "Pretrained", new ChoiceOption(true) } };
        var refusal = Assert.Throws<ArgumentException>(() => Default(space).ApplyTo(new MahaTextClassificationTrainer.Options()));
        Assert.Contains("Set PretrainedModel, or remove Pretrained", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, 20, 20)]
    [InlineData(5, 20, 5)]
    [InlineData(30, 20, 20)]
    [InlineData(30, null, 30)]
    public void TrialTime_LimitsTheTraining_UnlessTheOptionsAreStricter(int? ofOptions, int? ofTrial, int expected)
    {
        var given = new MahaTextClassificationTrainer.Options { MaxTrainingTime = Seconds(ofOptions) };
        Assert.Equal(Seconds(expected), new MahaSearchOptions().ApplyTo(given, Seconds(ofTrial)).MaxTrainingTime);

        static TimeSpan? Seconds(int? value) => value is int seconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    [Theory]
    [InlineData(600, 1, 75)]
    [InlineData(600, 5, 15)]
    [InlineData(60, 1, 10)]
    [InlineData(-3, 1, 10)]
    public void TrialTime_IsAShareOfWhatIsLeft_ButEnoughToLearn(int left, int trainings, double expected) =>
        Assert.Equal(TimeSpan.FromSeconds(expected), TrialTime.Choose(TimeSpan.FromSeconds(left), trainings));

    private static MahaSearchOptions Default(SearchSpace<MahaSearchOptions> space) => space.SampleFromFeatureSpace(space.Default);

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
