using System.Collections;

namespace TorchSharp
{
    public enum DeviceType
    {
        CPU = 0, CUDA = 1, MKLDNN = 2, OPENGL = 3, OPENCL = 4, IDEEP = 5, HIP = 6, FPGA = 7, MSNPU = 8, XLA = 9, MPS = 13, META = 14,
    }

    public static partial class torch
    {
        // The values are those of c10::ScalarType.
        public enum ScalarType : sbyte
        {
            Byte = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7,
            ComplexFloat32 = 9, ComplexFloat64 = 10, Bool = 11, BFloat16 = 15,
        }

        public static ScalarType uint8 = ScalarType.Byte;
        public static ScalarType int8 = ScalarType.Int8;
        public static ScalarType int16 = ScalarType.Int16;
        public static ScalarType int32 = ScalarType.Int32;
        public static ScalarType int64 = ScalarType.Int64;
        public static ScalarType float16 = ScalarType.Float16;
        public static ScalarType float32 = ScalarType.Float32;
        public static ScalarType float64 = ScalarType.Float64;
        public static ScalarType bfloat16 = ScalarType.BFloat16;
        public static ScalarType @bool = ScalarType.Bool;

        private static ScalarType s_defaultType = ScalarType.Float32;

        public static ScalarType get_default_dtype() => s_defaultType;

        public static void set_default_dtype(ScalarType dtype) => s_defaultType = dtype;

        public static bool is_floating_point(ScalarType type) =>
            type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;

        public static bool is_integral(ScalarType type) =>
            type is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool;

        public class Device
        {
            public Device(DeviceType deviceType, int index = -1)
            {
                type = deviceType;
                this.index = index;
            }

            public Device(int index) : this(DeviceType.CUDA, index)
            {
            }

            public Device(string deviceType, int index = -1) : this(Parse(deviceType), index)
            {
            }

            public Device(string description)
            {
                var parts = description.Split(':');
                if (parts.Length > 2 || (parts.Length == 2 && !int.TryParse(parts[1], out _)))
                    throw new ArgumentException($"A device is 'type' or 'type:index', but got '{description}'.", nameof(description));
                type = Parse(parts[0]);
                index = parts.Length == 2 ? int.Parse(parts[1]) : -1;
            }

            public DeviceType type { get; }
            public int index { get; }

            public override string ToString() => type == DeviceType.CPU || index < 0 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";

            public static implicit operator Device(string description) => new(description);

            private static DeviceType Parse(string name) => Enum.TryParse<DeviceType>(name, ignoreCase: true, out var parsed) && !char.IsDigit(name[0])
                ? parsed
                : throw new ArgumentException($"Unknown device type '{name}'. Use 'cpu', 'cuda' or another name of DeviceType.");
        }

        public static readonly Device CPU = new(DeviceType.CPU);
        public static readonly Device META = new(DeviceType.META);
        public static Device CUDA => new(DeviceType.CUDA);

        public static Device device(string description) => new(description);
        public static Device device(string deviceType, int index = -1) => new(deviceType, index);
        public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
        public static Device device(int index) => new(index);

        public static void InitializeDeviceType(DeviceType deviceType)
        {
            if (deviceType == DeviceType.CUDA && !cuda.is_available())
                throw new InvalidOperationException("Torch device type CUDA did not initialise on the current machine.");
        }

        public struct FInfo
        {
            public int bits;
            public double eps;
            public double max;
            public double min;
            public double tiny;
        }

        public static FInfo finfo(ScalarType dtype) => dtype switch
        {
            ScalarType.Float64 => new() { bits = 64, eps = double.BitIncrement(1) - 1, max = double.MaxValue, min = double.MinValue, tiny = 2.2250738585072014E-308 },
            ScalarType.Float32 => new() { bits = 32, eps = float.BitIncrement(1) - 1, max = float.MaxValue, min = float.MinValue, tiny = 1.1754943508222875E-38 },
            ScalarType.Float16 => new() { bits = 16, eps = 0.0009765625, max = 65504, min = -65504, tiny = 6.103515625e-05 },
            ScalarType.BFloat16 => new() { bits = 16, eps = 0.0078125, max = 3.3895313892515355e+38, min = -3.3895313892515355e+38, tiny = 1.1754943508222875E-38 },
            _ => throw new ArgumentException($"finfo is for floating point types, but got {dtype}."),
        };

        public enum RoundingMode
        {
            None = 0, trunc = 1, floor = 2,
        }

    }
}
