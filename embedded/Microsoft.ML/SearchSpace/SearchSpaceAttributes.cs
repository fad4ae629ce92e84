using Microsoft.ML.Runtime;

namespace Microsoft.ML.SearchSpace;

[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field, Inherited = false)]
public sealed class ChoiceAttribute : Attribute
{
    public ChoiceAttribute(params object[] candidates)
    {
        Contracts.CheckParam(candidates is { Length: > 0 }, nameof(candidates), "There must be at least one candidate.");
        Candidates = candidates;
    }

    public ChoiceAttribute(object[] candidates, object defaultValue) : this(candidates)
    {
        Contracts.CheckParam(candidates.Contains(defaultValue), nameof(defaultValue), $"The default must be one of the candidates, but is {defaultValue}.");
        DefaultValue = defaultValue;
    }

    public object[] Candidates { get; }

    public object DefaultValue { get; }
}

[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field, Inherited = false)]
public sealed class RangeAttribute : Attribute
{
    public RangeAttribute(double min, double max, bool logBase = false) : this((object)min, max, null, logBase)
    {
    }

    public RangeAttribute(double min, double max, double init, bool logBase = false) : this((object)min, max, init, logBase)
    {
    }

    public RangeAttribute(int min, int max, bool logBase = false) : this((object)min, max, null, logBase)
    {
    }

    public RangeAttribute(int min, int max, int init, bool logBase = false) : this((object)min, max, init, logBase)
    {
    }

    public RangeAttribute(float min, float max, bool logBase = false) : this((object)min, max, null, logBase)
    {
    }

    public RangeAttribute(float min, float max, float init, bool logBase = false) : this((object)min, max, init, logBase)
    {
    }

    private RangeAttribute(object min, object max, object init, bool logBase)
    {
        Min = min;
        Max = max;
        Init = init;
        LogBase = logBase;
    }

    public object Min { get; }

    public object Max { get; }

    public object Init { get; }

    public bool LogBase { get; }
}
