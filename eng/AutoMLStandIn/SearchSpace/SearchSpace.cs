using System.Collections;
using System.Reflection;
using Microsoft.ML.Runtime;
using Microsoft.ML.SearchSpace.Option;

namespace Microsoft.ML.SearchSpace;

/// <summary>Options by name; in the unit cube they follow each other in the order of their names.</summary>
public class SearchSpace : OptionBase, IDictionary<string, OptionBase>
{
    private readonly Dictionary<string, OptionBase> _options = [];
    private readonly Parameter _defaultOption;

    public SearchSpace()
    {
    }

    protected SearchSpace(Type typeInfo, Parameter defaultOption = null)
    {
        _defaultOption = defaultOption;
        AddOptionsOf(typeInfo);
    }

    public override double[] Default => Ordered.SelectMany(o => o.Value.Default).ToArray();

    public override int FeatureSpaceDim => _options.Values.Sum(o => o.FeatureSpaceDim);

    public override int?[] Step => Ordered.SelectMany(o => o.Value.Step).ToArray();

    public ICollection<string> Keys => _options.Keys;

    public ICollection<OptionBase> Values => _options.Values;

    public int Count => _options.Count;

    public bool IsReadOnly => false;

    private IEnumerable<KeyValuePair<string, OptionBase>> Ordered => _options.OrderBy(o => o.Key, StringComparer.Ordinal);

    public OptionBase this[string key]
    {
        get => _options[key];
        set => _options[key] = value;
    }

    public override Parameter SampleFromFeatureSpace(double[] feature)
    {
        Contracts.CheckParam(feature.Length == FeatureSpaceDim, nameof(feature), $"There must be {FeatureSpaceDim} values, but there are {feature.Length}.");
        var parameter = Parameter.CreateNestedParameter();
        int start = 0;
        foreach (var (key, option) in Ordered)
        {
            parameter[key] = option.SampleFromFeatureSpace(feature[start..(start + option.FeatureSpaceDim)]);
            start += option.FeatureSpaceDim;
        }

        return _defaultOption == null ? parameter : Merge(_defaultOption, parameter);
    }

    public override double[] MappingToFeatureSpace(Parameter parameter)
        => Ordered.SelectMany(o => o.Value.MappingToFeatureSpace(parameter[o.Key])).ToArray();

    public void Add(string key, OptionBase value) => _options.Add(key, value);

    public void Add(KeyValuePair<string, OptionBase> item) => _options.Add(item.Key, item.Value);

    public void Clear() => _options.Clear();

    public bool Contains(KeyValuePair<string, OptionBase> item) => _options.Contains(item);

    public bool ContainsKey(string key) => _options.ContainsKey(key);

    public void CopyTo(KeyValuePair<string, OptionBase>[] array, int arrayIndex) => ((IDictionary<string, OptionBase>)_options).CopyTo(array, arrayIndex);

    public bool Remove(string key) => _options.Remove(key);

    public bool Remove(KeyValuePair<string, OptionBase> item) => ((IDictionary<string, OptionBase>)_options).Remove(item);

    public bool TryGetValue(string key, out OptionBase value) => _options.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, OptionBase>> GetEnumerator() => _options.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _options.GetEnumerator();

    private void AddOptionsOf(Type type)
    {
        foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
            AddOptionOf(field, field.FieldType);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            AddOptionOf(property, property.PropertyType);
    }

    private void AddOptionOf(MemberInfo member, Type type)
    {
        object[] attributes = member.GetCustomAttributes(false).Where(a => a is ChoiceAttribute or RangeAttribute).ToArray();
        if (attributes.Length == 0)
            return;
        Contracts.Check(attributes.Length == 1, $"{member.Name} can only define one of the choice|range attribute");
        Contracts.Check(attributes[0] is not RangeAttribute { Min: double or float } || (type != typeof(int) && type != typeof(short) && type != typeof(long)),
            $"[Option:{member.Name}] A range of real numbers can't apply to a property or field of type {type.Name}. Use a range of integers.");
        _options.Add(member.Name, attributes[0] switch
        {
            ChoiceAttribute choice => new ChoiceOption(choice.Candidates, choice.DefaultValue),
            RangeAttribute { Min: int min, Max: int max } range => new UniformIntOption(min, max, range.LogBase, (int?)range.Init),
            RangeAttribute { Min: float min, Max: float max } range => new UniformSingleOption(min, max, range.LogBase, (float?)range.Init),
            var other => Real((RangeAttribute)other),
        });
    }

    private static UniformDoubleOption Real(RangeAttribute range) => new((double)range.Min, (double)range.Max, range.LogBase, (double?)range.Init);

    // What the space does not search comes from the default.
    private static Parameter Merge(Parameter @default, Parameter sampled)
    {
        var merged = Parameter.CreateNestedParameter();
        foreach (var item in @default)
            merged[item.Key] = item.Value;
        foreach (var item in sampled)
            merged[item.Key] = item.Value;
        return merged;
    }
}

public sealed class SearchSpace<T> : SearchSpace where T : class, new()
{
    public SearchSpace() : base(typeof(T))
    {
    }

    public SearchSpace(T defaultOption) : base(typeof(T), Parameter.FromObject(defaultOption))
    {
    }

    public new T SampleFromFeatureSpace(double[] feature) => base.SampleFromFeatureSpace(feature).AsType<T>();

    public double[] MappingToFeatureSpace(T input) => MappingToFeatureSpace(Parameter.FromObject(input));
}
