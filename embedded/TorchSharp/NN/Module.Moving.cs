using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            private DeviceType _deviceType = DeviceType.CPU;
            private int _deviceIndex = -1;

            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking)
            {
                CheckElementType(dtype);
                CheckAvailable(device.type);
                _toEpilog(device.type == DeviceType.CUDA ? device : new Device(device.type, -1), dtype, non_blocking);
                return this;
            }

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                if (deviceType != DeviceType.CUDA) deviceIndex = -1;
                CheckAvailable(deviceType);
                if (deviceType != _deviceType || deviceIndex != _deviceIndex) _toEpilog(deviceType, deviceIndex, non_blocking);
                return this;
            }

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking)
            {
                CheckElementType(dtype);
                _toEpilog(dtype, non_blocking);
                return this;
            }

            public Module _to(Tensor other, bool non_blocking)
            {
                _to(other.dtype, non_blocking);
                return _to(other.device_type, other.device_index, non_blocking);
            }

            protected void _toEpilog(ScalarType dtype, bool non_blocking) => Move(dtype, null, non_blocking);

            protected void _toEpilog(Device device, ScalarType dtype, bool non_blocking) => Move(dtype, device, non_blocking);

            protected void _toEpilog(DeviceType deviceType, int deviceIndex, bool non_blocking)
                => Move(null, new Device(deviceType, deviceIndex), non_blocking);

            private static void CheckElementType(ScalarType dtype)
            {
                if (!TakesPart(dtype))
                    throw new ArgumentException($"nn.Module.to only accepts floating point or complex types, but got desired dtype={dtype}");
            }

            private static void CheckAvailable(DeviceType type)
            {
                if (type == DeviceType.CUDA && !cuda.is_available()) throw new InvalidOperationException("CUDA is not available.");
            }

            private void Move(ScalarType? dtype, Device device, bool non_blocking)
            {
                foreach (var (_, module) in named_children())
                {
                    if (device is null) module._to(dtype.Value, non_blocking);
                    else if (dtype is null) module._to(device.type, device.index, non_blocking);
                    else module._to(device, dtype.Value, non_blocking);
                }

                var fields = InstanceFields().ToDictionary(field => field.Name);
                foreach (var (key, parameter) in named_parameters(false).ToList())
                {
                    if (MovedParameter(parameter, dtype, device, non_blocking) is not { } moved) continue;
                    ConditionallyRegisterParameter(key, moved);
                    if (fields.TryGetValue(key, out var field)) field.SetValue(this, moved);
                    OnParameterReplaced(key, moved);
                }
                foreach (var (key, buffer) in named_buffers(false).ToList())
                {
                    var type = Target(buffer, dtype);
                    if (type == buffer.dtype && Stays(buffer, device)) continue;
                    var moved = buffer.to(type, device ?? buffer.device, disposeAfter: true, non_blocking: non_blocking).DetachFromDisposeScope();
                    ConditionallyRegisterBuffer(key, moved);
                    if (fields.TryGetValue(key, out var field)) field.SetValue(this, moved);
                }
                if (device is null) return;
                _deviceType = device.type;
                _deviceIndex = device.index;
            }

            /// <summary>For layers whose field is not called like the parameter.</summary>
            private protected virtual void OnParameterReplaced(string name, Parameter parameter)
            {
            }

            // A new leaf, so that gradients accumulate in it; the old parameter is disposed. Null: nothing to do.
            private static Parameter MovedParameter(Parameter parameter, ScalarType? dtype, Device device, bool non_blocking)
            {
                var type = Target(parameter, dtype);
                if (type == parameter.dtype && Stays(parameter, device)) return null;
                using var grad = parameter.grad;
                using var guard = no_grad();
                var moved = new Parameter(parameter.to(type, device ?? parameter.device, non_blocking: non_blocking), parameter.requires_grad);
                moved.DetachFromDisposeScope();
                if (grad is not null)
                {
                    using var movedGrad = grad.to(type, device ?? parameter.device, non_blocking: non_blocking);
                    moved.grad = movedGrad;
                }
                parameter.Dispose();
                return moved;
            }

            private static bool TakesPart(ScalarType type)
                => is_floating_point(type) || type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;

            private static ScalarType Target(Tensor tensor, ScalarType? dtype)
                => dtype is { } type && TakesPart(tensor.dtype) ? type : tensor.dtype;

            private static bool Stays(Tensor tensor, Device device)
                => device is null || tensor.device_type == device.type && (device.index < 0 || tensor.device_index == device.index);

            // A layer made for a device and element type, as its factory's arguments say.
            private protected static T Placed<T>(T module, Device device, ScalarType? dtype) where T : Module
            {
                if (device is not null && dtype is { } type) module._to(device, type, false);
                else if (device is not null) module._to(device.type, device.index, false);
                else if (dtype is { } onlyType) module._to(onlyType, false);
                return module;
            }
        }
    }
}

public static class ModuleExtensionMethods
{
    public static T to<T>(this T module, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(type, non_blocking);

    public static T to<T>(this T module, torch.Device device, torch.ScalarType type, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(device, type, non_blocking);

    public static T to<T>(this T module, DeviceType deviceType, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(deviceType, deviceIndex, non_blocking);

    public static T to<T>(this T module, torch.Device device, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(device.type, device.index, non_blocking);

    public static T to<T>(this T module, string device, bool non_blocking = false) where T : torch.nn.Module
        => module.to(new torch.Device(device), non_blocking);

    public static T to<T>(this T module, torch.Tensor other, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(other.device, other.dtype, non_blocking);

    public static T cpu<T>(this T module, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(DeviceType.CPU, -1, non_blocking);

    public static T cuda<T>(this T module, int deviceIndex = -1, bool non_blocking = false) where T : torch.nn.Module
        => (T)module._to(DeviceType.CUDA, deviceIndex, non_blocking);

    public static T half<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float16, non_blocking);

    public static T bfloat16<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.BFloat16, non_blocking);

    public static T @float<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float32, non_blocking);

    public static T @double<T>(this T module, bool non_blocking = false) where T : torch.nn.Module => module.to(torch.ScalarType.Float64, non_blocking);
}
