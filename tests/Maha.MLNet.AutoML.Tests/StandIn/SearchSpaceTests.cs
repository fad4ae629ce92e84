using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;

namespace Maha.MLNet.AutoML.Tests.StandIn;

public class SearchSpaceTests
{
    private enum Kind
    {
        First,
        Second,
    }

    private sealed class Settings
    {
        [Range(16, 256, 64, logBase: true)]
        public int Width { get; set; } = 64;

        [Range(1e-5f, 1e-1f, 1e-3f, logBase: true)]
        public float Rate { get; set; } = 1e-3f;

        [Range(0.0, 0.5)]
        public double Dropout { get; set; }

        [Choice(2, 4, 8)]
        public int Heads { get; set; } = 2;

        [Choice(new object[] { Kind.First, Kind.Second }, Kind.Second)]
        public Kind Kind { get; set; }

        [Range(1, 8)]
        public int Depth { get; set; } = 1;

        public string Name { get; set; } = "kept";
    }

    [Fact]
    public void Default_IsTheInitialValuesOfTheAttributes()
    {
        var settings = new SearchSpace<Settings>();
        var sampled = settings.SampleFromFeatureSpace(settings.Default);
        Assert.Equal(64, sampled.Width);
        Assert.Equal(1e-3f, sampled.Rate, 1e-8f);
        Assert.Equal(0, sampled.Dropout);
        Assert.Equal(2, sampled.Heads);
        Assert.Equal(Kind.Second, sampled.Kind);
        Assert.Equal(1, sampled.Depth);
        Assert.Equal(6, settings.FeatureSpaceDim);
    }

    [Fact]
    public void DefaultOption_FillsWhatIsNotSearched()
    {
        var settings = new SearchSpace<Settings>(new Settings { Name = "mine" });
        Assert.Equal("mine", settings.SampleFromFeatureSpace(settings.Default).Name);
    }

    [Fact]
    public void MappingAndSampling_AreInverse()
    {
        var settings = new SearchSpace<Settings>();
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            double[] point = Enumerable.Range(0, settings.FeatureSpaceDim).Select(_ => random.NextDouble()).ToArray();
            var sampled = settings.SampleFromFeatureSpace(point);
            Assert.InRange(sampled.Width, 16, 256);
            Assert.InRange(sampled.Rate, 1e-5f * 0.999f, 1e-1f * 1.001f);
            Assert.Contains(sampled.Heads, new[] { 2, 4, 8 });
            var again = settings.SampleFromFeatureSpace(settings.MappingToFeatureSpace(sampled));
            Assert.Equal(sampled.Width, again.Width);
            Assert.Equal(sampled.Rate, again.Rate, sampled.Rate * 1e-5f);
            Assert.Equal((sampled.Heads, sampled.Kind, sampled.Depth), (again.Heads, again.Kind, again.Depth));
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(49)]
    public void Choices_RoundTrip_ForAnyNumberOfChoices(int count)
    {
        var option = new ChoiceOption(Enumerable.Range(0, count).Cast<object>().ToArray());
        foreach (var choice in option.Choices)
            Assert.Equal(choice, option.SampleFromFeatureSpace(option.MappingToFeatureSpace(choice)));
        Assert.Equal(option.Choices[^1], option.SampleFromFeatureSpace([1]));
    }

    [Fact]
    public void OneChoice_TakesNoDimension()
    {
        var option = new ChoiceOption("only");
        Assert.Equal(0, option.FeatureSpaceDim);
        Assert.Equal("only", option.SampleFromFeatureSpace([]).AsType<string>());
    }

    [Fact]
    public void InconsistentOptions_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new UniformIntOption(3, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UniformDoubleOption(0, 1, logBase: true));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChoiceOption("a", "a"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UniformIntOption(1, 3).MappingToFeatureSpace(Parameter.FromInt(4)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UniformIntOption(1, 3).SampleFromFeatureSpace([1.5]));
    }

    [Fact]
    public void Parameters_AreEqualByValue_AndPrintAsJson()
    {
        var parameter = Parameter.FromObject(new Settings { Heads = 4 });
        Assert.Equal(4, parameter["Heads"].AsType<int>());
        Assert.Equal("First", parameter["Kind"].AsType<string>());
        Assert.Equal(Kind.First, parameter["Kind"].AsType<Kind>());
        Assert.Equal(parameter, Parameter.FromObject(new Settings { Heads = 4 }));
        Assert.NotEqual(parameter, Parameter.FromObject(new Settings { Heads = 8 }));
        Assert.Contains("\"Heads\":4", parameter.ToString());
        var list = Parameter.FromIEnumerable(new[] { 1, 2 });
        Assert.Equal([1, 2], list.AsType<int[]>());
        Assert.Throws<InvalidOperationException>(() => Parameter.FromInt(1)["key"]);
        Assert.Throws<InvalidOperationException>(() => Parameter.FromString("x").AsType<int>());
    }
}
