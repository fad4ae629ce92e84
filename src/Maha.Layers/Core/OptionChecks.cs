using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json.Serialization;

namespace Maha.Layers.Core;

/// <summary>Reads a record of options through its properties: what can be set, and whether the values are valid.</summary>
internal static class OptionChecks
{
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> s_properties = new();

    /// <summary>The options of a record: its properties that can be set, those of the base record first.</summary>
    /// <remarks>These are the public ones, and others with <see cref="JsonIncludeAttribute"/>, which files of models have but callers can't set.</remarks>
    public static IReadOnlyList<PropertyInfo> Of(Type record) => s_properties.GetOrAdd(record, type =>
        [.. type.GetProperties(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
            .Where(property => property.CanWrite && (property.GetMethod is { IsPublic: true } || property.IsDefined(typeof(JsonIncludeAttribute))))
            .OrderBy(property => Depth(property.DeclaringType!)).ThenBy(property => property.MetadataToken)]);

    /// <summary>Checks every number with an <see cref="OptionRangeAttribute"/> and every enumeration; an option that is null is left to its default.</summary>
    /// <param name="record">The options.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range or not a number, or an enumeration has an unknown value.</exception>
    public static void Validate(object record)
    {
        foreach (var property in Of(record.GetType()))
        {
            object? value = property.GetValue(record);
            if (value is Enum && !Enum.IsDefined(value.GetType(), value))
            {
                throw new ArgumentOutOfRangeException(
                    property.Name, value, $"{property.Name} must be one of {string.Join(", ", Enum.GetNames(value.GetType()))}, but is {value}.");
            }
            if (value is null || property.GetCustomAttribute<OptionRangeAttribute>() is not { } range)
                continue;
            // Written so that NaN fails too.
            if (!(Convert.ToDouble(value, null) >= range.Least && Convert.ToDouble(value, null) <= range.Most))
            {
                throw new ArgumentOutOfRangeException(
                    property.Name, value, $"{property.Name} must lie in [{range.Least}, {range.Most}], but is {value}. {range.Remedy}");
            }
        }
    }

    private static int Depth(Type type) => type.BaseType is { } parent ? 1 + Depth(parent) : 0;
}
