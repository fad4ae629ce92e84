using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

/// <summary>Labels as numbers: a key k is k - 1, a boolean 0 or 1, a missing label NaN.</summary>
internal static class LabelReader
{
    public static ValueGetter<float> Create(DataViewRow row, DataViewSchema.Column label)
    {
        if (label.Type is KeyDataViewType)
        {
            if (label.Type.RawType == typeof(uint))
                return Convert<uint>(row, label, key => key);
            if (label.Type.RawType == typeof(ulong))
                return Convert<ulong>(row, label, key => key);
            if (label.Type.RawType == typeof(ushort))
                return Convert<ushort>(row, label, key => key);
            return Convert<byte>(row, label, key => key);
        }

        if (label.Type is BooleanDataViewType)
        {
            var getter = row.GetGetter<bool>(label);
            bool value = false;
            return (ref float dst) =>
            {
                getter(ref value);
                dst = value ? 1 : 0;
            };
        }

        if (label.Type == NumberDataViewType.Double)
        {
            var getter = row.GetGetter<double>(label);
            double value = 0;
            return (ref float dst) =>
            {
                getter(ref value);
                dst = (float)value;
            };
        }

        if (label.Type != NumberDataViewType.Single)
            throw Contracts.ExceptSchemaMismatch(nameof(label), "label", label.Name, "Single, Double, Boolean or Key", label.Type.ToString());
        return row.GetGetter<float>(label);
    }

    private static ValueGetter<float> Convert<T>(DataViewRow row, DataViewSchema.Column label, Func<T, ulong> widen)
    {
        var getter = row.GetGetter<T>(label);
        ulong count = label.Type.GetKeyCount();
        T value = default;
        return (ref float dst) =>
        {
            getter(ref value);
            ulong key = widen(value);
            dst = key == 0 || key > count ? float.NaN : key - 1;
        };
    }
}
