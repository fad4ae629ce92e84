namespace Maha.MLNet.Tests;

/// <summary>Options as the values of their properties.</summary>
internal static class OptionValues
{
    /// <summary>Asserts that a target has the value of every option of the same name that is set, and shares at least 8 of them.</summary>
    public static void AssertReached(object options, object target, int seed)
    {
        int compared = 0;
        foreach (var property in target.GetType().GetProperties())
        {
            if (options.GetType().GetProperty(property.Name) is not { } option || option.GetValue(options) is not { } value)
                continue;
            compared++;
            Assert.True(Equals(value, property.GetValue(target)), $"seed {seed}: {property.Name} is {property.GetValue(target)}, not {value}");
        }
        Assert.True(compared >= 8);
    }

    /// <summary>Asserts that every option has the name of a property of one of the targets, or is named as used elsewhere.</summary>
    public static void AssertNoneForgotten(Type options, IEnumerable<Type> targets, IEnumerable<string> elsewhere)
    {
        var used = targets.SelectMany(type => type.GetProperties()).Select(property => property.Name).Concat(elsewhere);
        Assert.Empty(options.GetProperties().Select(property => property.Name).Except(used));
    }
}
