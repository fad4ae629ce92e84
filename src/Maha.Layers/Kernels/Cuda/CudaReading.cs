using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>Numbers that are read from a device later, so that the processor can queue more work in the meantime.</summary>
internal sealed unsafe class CudaReading : IDisposable
{
    private readonly Tensor _numbers;
    private readonly CudaDevice? _device;
    private nint _event;

    private CudaReading(Tensor numbers, CudaDevice? device, nint copied)
    {
        (_numbers, _device, _event) = (numbers, device, copied);
    }

    /// <summary>Queues the reading of numbers. Later changes of the tensor have no effect.</summary>
    /// <param name="numbers">A vector of Float32.</param>
    /// <remarks>Where the driver can't be used the call waits for the device.</remarks>
    public static CudaReading Queue(Tensor numbers)
    {
        if (numbers.device_type != DeviceType.CUDA || !CudaKernels.CanUse(numbers))
            return new CudaReading(numbers.detach().to(CPU, copy: true).DetachFromDisposeScope(), null, 0);
        using var pageable = empty(numbers.numel(), ScalarType.Float32);
        var pinned = pageable.pin_memory().DetachFromDisposeScope();
        var device = CudaDevice.Get(numbers.device_index);
        using var guard = no_grad();
        pinned.copy_(numbers, true);
        using var current = device.MakeCurrent();
        nint copied;
        CudaDriver.Check(CudaDriver.CreateEvent(&copied, CudaDriver.EventDisableTiming), "cuEventCreate");
        var reading = new CudaReading(pinned, device, copied);
        CudaDriver.Check(CudaDriver.RecordEvent(copied, 0), "cuEventRecord");
        return reading;
    }

    /// <summary>Waits for the numbers, and returns them.</summary>
    /// <exception cref="CudaException">An earlier kernel failed.</exception>
    public float[] Wait()
    {
        if (_device is not null)
        {
            using var current = _device.MakeCurrent();
            CudaDriver.Check(CudaDriver.SynchronizeEvent(_event), "cuEventSynchronize");
        }
        return _numbers.data<float>().ToArray();
    }

    public void Dispose()
    {
        _numbers.Dispose();
        if (_device is null || _event == 0)
            return;
        using var current = _device.MakeCurrent();
        _ = CudaDriver.DestroyEvent(_event);
        _event = 0;
    }
}
