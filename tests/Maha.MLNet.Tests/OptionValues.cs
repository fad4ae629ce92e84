using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;

namespace Maha.MLNet.Tests;

/// <summary>Compares options by the values of their properties.</summary>
internal static class OptionValues
{
    /// <summary>Asserts that a target has the value of every option of the same name that is set, and shares at least 8 of them.</summary>
    public static void AssertReached(object options, object target, int seed)
    {
        int compared = 0;
        foreach (var (name, reached) in Values(target))
        {
            if (options.GetType().GetProperty(name) is not { } option || option.GetValue(options) is not { } value)
                continue;
            compared++;
            Assert.True(Equals(value, reached), $"seed {seed}: {name} is {reached}, not {value}");
        }
        Assert.True(compared >= 8);
    }

    /// <summary>Asserts that every option has the name of a property of one of the targets, of an attention, or is named as used elsewhere.</summary>
    public static void AssertNoneForgotten(Type options, IEnumerable<Type> targets, IEnumerable<string> elsewhere)
    {
        var attentions = Enum.GetValues<AttentionKind>()
            .SelectMany(kind => OptionChecks.Of(AttentionOptions.Create(kind).GetType())).Select(option => option.Name);
        var used = targets.SelectMany(type => type.GetProperties()).Select(property => property.Name).Concat(attentions).Concat(elsewhere);
        Assert.Empty(options.GetProperties().Select(property => property.Name).Except(used));
    }

    /// <summary>Returns the values of a target by name; those of a model include the options of its attention.</summary>
    public static IEnumerable<KeyValuePair<string, object?>> Values(object target) => target is MahaTransformerOptions model
        ? model.Flatten()
        : OptionChecks.Of(target.GetType()).Select(option => KeyValuePair.Create(option.Name, option.GetValue(target)));
}
