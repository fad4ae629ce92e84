using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public abstract class ModelParametersBase<TOutput> : ICanSaveModel
{
    private protected readonly IHost Host;

    private protected ModelParametersBase(IHostEnvironment env, string name)
    {
        Contracts.CheckValue(env, nameof(env));
        Host = env.Register(name);
    }

    private protected ModelParametersBase(IHostEnvironment env, string name, ModelLoadContext ctx) : this(env, name)
    {
        int floatSize = ctx.Reader.ReadInt32();
        Host.CheckDecode(floatSize == sizeof(float), $"Weights must have {sizeof(float)} bytes, but have {floatSize}. This file was saved by an incompatible version.");
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        SaveCore(ctx);
    }

    // *** Binary format ***
    // int: sizeof(float)
    private protected virtual void SaveCore(ModelSaveContext ctx) => ctx.Writer.Write(sizeof(float));
}

public interface ICalculateFeatureContribution
{
    FeatureContributionCalculator FeatureContributionCalculator { get; }
}

public sealed class FeatureContributionCalculator
{
    internal FeatureContributionCalculator(LinearModelParameters model)
    {
        Model = model;
    }

    internal LinearModelParameters Model { get; }
}

/// <summary>What a scorer needs of a model: the score of one feature vector.</summary>
internal interface IScoringModel<TScore>
{
    int NumberOfFeatures { get; }

    void Score(in VBuffer<float> features, ref TScore score);
}

/// <summary>Numbers in a model stream, checked against what the stream can hold, and products with dense weights.</summary>
internal static class WeightStream
{
    public static int[] ReadInts(BinaryReader reader, IExceptionContext ctx, int count)
    {
        CheckCount(reader, ctx, count);
        var values = new int[count];
        for (int i = 0; i < count; i++)
            values[i] = reader.ReadInt32();
        return values;
    }

    public static float[] ReadFloats(BinaryReader reader, IExceptionContext ctx, int count)
    {
        CheckCount(reader, ctx, count);
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = reader.ReadSingle();
        return values;
    }

    public static void Write(BinaryWriter writer, ReadOnlySpan<int> values)
    {
        foreach (int value in values)
            writer.Write(value);
    }

    public static void Write(BinaryWriter writer, ReadOnlySpan<float> values)
    {
        foreach (float value in values)
            writer.Write(value);
    }

    /// <summary>The vector of the non-zero weights, or of all if <paramref name="indices"/> is empty and there are as many values.</summary>
    public static VBuffer<float> ToVector(IExceptionContext ctx, int length, int[] indices, float[] values)
    {
        for (int i = 0; i < indices.Length; i++)
        {
            ctx.CheckDecode(indices[i] < length && indices[i] > (i == 0 ? -1 : indices[i - 1]),
                $"Weight indices must increase and stay below {length}, but index {i} is {indices[i]}. The model file is damaged.");
        }

        return new VBuffer<float>(length, values.Length, values, values.Length == length ? null : indices);
    }

    private static void CheckCount(BinaryReader reader, IExceptionContext ctx, int count)
    {
        long left = reader.BaseStream.CanSeek ? reader.BaseStream.Length - reader.BaseStream.Position : long.MaxValue;
        ctx.CheckDecode(count >= 0 && 4L * count <= left, $"The model file announces {count} numbers but has only {left} bytes left. It is damaged.");
    }

    /// <summary>Dot product with dense weights.</summary>
    public static float Dot(float[] weights, in VBuffer<float> features)
    {
        var values = features.GetValues();
        float sum = 0;
        if (features.IsDense)
        {
            for (int i = 0; i < values.Length; i++)
                sum += weights[i] * values[i];
            return sum;
        }

        var indices = features.GetIndices();
        for (int i = 0; i < values.Length; i++)
            sum += weights[indices[i]] * values[i];
        return sum;
    }

    public static float[] Densify(in VBuffer<float> weights)
    {
        var dense = new float[weights.Length];
        weights.CopyTo(dense);
        return dense;
    }
}
