using Microsoft.ML.Runtime;

namespace Microsoft.ML.SearchSpace.Option;

/// <summary>One dimension or more of the unit cube in which tuners search.</summary>
public abstract class OptionBase
{
    protected OptionBase()
    {
    }

    public abstract double[] MappingToFeatureSpace(Parameter value);

    public abstract Parameter SampleFromFeatureSpace(double[] values);

    public abstract int FeatureSpaceDim { get; }

    public virtual double[] Default { get; protected set; }

    public abstract int?[] Step { get; }
}

public abstract class UniformNumericOption : OptionBase
{
    public UniformNumericOption(double min, double max, bool logBase = false)
    {
        Contracts.CheckParam(max > min, nameof(max), $"max must be larger than min, but {max} <= {min}.");
        Contracts.CheckParam(!logBase || min > 0, nameof(min), $"min must be larger than 0 if logBase is true, but is {min}.");
        Min = min;
        Max = max;
        LogBase = logBase;
        Default = [0];
    }

    public double Min { get; }

    public double Max { get; }

    public bool LogBase { get; }

    public override int FeatureSpaceDim => 1;

    public override int?[] Step => [null];

    public override double[] MappingToFeatureSpace(Parameter param)
    {
        double x = param.AsType<double>();
        Contracts.CheckParam(x >= Min && x <= Max, nameof(param), $"{x} is not within [{Min}, {Max}]");
        return [LogBase ? Math.Log(x / Min) / Math.Log(Max / Min) : (x - Min) / (Max - Min)];
    }

    public override Parameter SampleFromFeatureSpace(double[] values)
    {
        Contracts.CheckParam(values is [>= 0 and <= 1], nameof(values), "There must be one value from 0 to 1.");
        return Parameter.FromDouble(LogBase ? Min * Math.Pow(Max / Min, values[0]) : Min + (Max - Min) * values[0]);
    }
}

public sealed class UniformDoubleOption : UniformNumericOption
{
    public UniformDoubleOption(double min, double max, bool logBase = false, double? defaultValue = null) : base(min, max, logBase)
    {
        if (defaultValue is double value)
            Default = MappingToFeatureSpace(Parameter.FromDouble(value));
    }
}

public sealed class UniformSingleOption : UniformNumericOption
{
    public UniformSingleOption(float min, float max, bool logBase = false, float? defaultValue = null) : base(min, max, logBase)
    {
        if (defaultValue is float value)
            Default = MappingToFeatureSpace(Parameter.FromFloat(value));
    }

    public override double[] MappingToFeatureSpace(Parameter param) => base.MappingToFeatureSpace(Parameter.FromDouble(param.AsType<float>()));

    public override Parameter SampleFromFeatureSpace(double[] values) => Parameter.FromFloat((float)base.SampleFromFeatureSpace(values).AsType<double>());
}

public sealed class UniformIntOption : UniformNumericOption
{
    public UniformIntOption(int min, int max, bool logBase = false, int? defaultValue = null) : base(min, max, logBase)
    {
        if (defaultValue is int value)
            Default = MappingToFeatureSpace(Parameter.FromInt(value));
    }

    public override double[] MappingToFeatureSpace(Parameter param) => base.MappingToFeatureSpace(Parameter.FromDouble(param.AsType<int>()));

    public override Parameter SampleFromFeatureSpace(double[] values)
    {
        double x = base.SampleFromFeatureSpace(values).AsType<double>();

        // Log and power leave an integer like 128 at 127.99999999999997.
        double nearest = Math.Round(x);
        return Parameter.FromInt((int)(Math.Abs(x - nearest) < 1e-9 * nearest ? nearest : Math.Floor(x)));
    }
}

public sealed class ChoiceOption : OptionBase
{
    public ChoiceOption(params object[] choices)
    {
        Contracts.CheckParam(choices is { Length: > 0 }, nameof(choices), "There must be at least one choice.");
        Contracts.CheckParam(choices.Distinct().Count() == choices.Length, nameof(choices), "choices must not contain repeated values");
        Choices = choices.Select(Parameter.FromObject).ToArray();
        Default = new double[FeatureSpaceDim];
    }

    public ChoiceOption(object[] choices, object defaultChoice) : this(choices)
    {
        if (defaultChoice != null)
            Default = MappingToFeatureSpace(Parameter.FromObject(defaultChoice));
    }

    public Parameter[] Choices { get; }

    // One choice is none.
    public override int FeatureSpaceDim => Choices.Length == 1 ? 0 : 1;

    public override int?[] Step => [Choices.Length];

    public override double[] MappingToFeatureSpace(Parameter param)
    {
        if (FeatureSpaceDim == 0)
            return [];
        int index = Array.IndexOf(Choices, param);
        Contracts.CheckParam(index >= 0, nameof(param), $"{param} is not one of the choices {string.Join(", ", (object[])Choices)}.");
        return [(double)index / Choices.Length];
    }

    public override Parameter SampleFromFeatureSpace(double[] values)
    {
        if (values.Length == 0)
            return Choices[0];

        // In float32, so that i / n comes back as i for every n.
        return Choices[Math.Min((int)(float)(values[0] * Choices.Length), Choices.Length - 1)];
    }
}
