using System.Globalization;
using System.Reflection;
using System.Xml.Linq;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;

namespace Maha.Layers.Tests.Core;

/// <summary>The ranges of options are checked, and equal those in their documentation.</summary>
public sealed class OptionChecksTests
{
    private static readonly Type[] s_records =
        [.. typeof(MahaBlockOptions).Assembly.GetTypes()
            .Where(type => !type.IsAbstract && OptionChecks.Of(type).Any(option => option.IsDefined(typeof(OptionRangeAttribute))))];

    public static TheoryData<string, string> Ranges
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var record in s_records)
            {
                foreach (var option in OptionChecks.Of(record).Where(option => option.IsDefined(typeof(OptionRangeAttribute))))
                    data.Add(record.FullName!, option.Name);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ranges))]
    public void ValuesBeyondTheRange_AreRefused_WithRuleValueAndRemedy(string record, string name)
    {
        var type = typeof(MahaBlockOptions).Assembly.GetType(record)!;
        var option = type.GetProperty(name)!;
        var range = option.GetCustomAttribute<OptionRangeAttribute>()!;
        var number = Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType;
        double[] beyond = number == typeof(int)
            ? [range.Least - 1, range.Most + 1] : [Math.BitDecrement(range.Least), Math.BitIncrement(range.Most), double.NaN];
        foreach (double value in beyond)
        {
            object options = Create(type);
            option.SetValue(options, Convert.ChangeType(value, number, CultureInfo.InvariantCulture));
            var refused = Assert.Throws<ArgumentOutOfRangeException>(() => OptionChecks.Validate(options));
            Assert.StartsWith($"{name} must lie in [", refused.Message, StringComparison.Ordinal);
            Assert.Contains(range.Remedy, refused.Message, StringComparison.Ordinal);
        }
        foreach (double value in new[] { range.Least, range.Most })
        {
            object options = Create(type);
            option.SetValue(options, Convert.ChangeType(value, number, CultureInfo.InvariantCulture));
            OptionChecks.Validate(options);
        }
    }

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Documentation_StatesTheRange(string record, string name)
    {
        var option = typeof(MahaBlockOptions).Assembly.GetType(record)!.GetProperty(name)!;
        var range = option.GetCustomAttribute<OptionRangeAttribute>()!;
        string member = $"P:{option.DeclaringType!.FullName}.{name}";
        var documentation = XDocument.Load(Path.ChangeExtension(typeof(MahaBlockOptions).Assembly.Location, ".xml"));
        string text = documentation.Descendants("member").Single(one => one.Attribute("name")!.Value == member).Element("value")!.Value;
        string expected = range.Most == double.MaxValue ? "Finite, not negative" : $"From {Show(range.Least)} to {Show(range.Most)}";
        Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    // Every option in its range.
    private static object Create(Type type)
        => type == typeof(MahaTransformerOptions) ? new MahaTransformerOptions { VocabSize = 1 } : Activator.CreateInstance(type)!;

    private static string Show(double value) =>
        Math.Abs(value) >= 1
            ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString(CultureInfo.InvariantCulture).Replace("E", "e", StringComparison.Ordinal);
}
