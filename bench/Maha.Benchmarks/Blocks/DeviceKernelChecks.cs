using Maha.Layers.Blocks;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

// D width, K head dim

/// <summary>The loading of CUDA kernels on a device, and the kernels that are not attention, against torch's operators.</summary>
internal static class DeviceKernelChecks
{
    private const string Source = "rotary.cu";

    /// <summary>Runs all checks on the CUDA device.</summary>
    public static void Run(DeviceReport report)
    {
        CompilerLog(report);
        Folder(report);
        Threads(report);
        Disposal(report);
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            foreach (int width in new[] { 8, 64, 384, 768, 1000, 1024 })
            {
                Norm(report, type, 37, width);
                Norm(report, type, ((1 << 22) / width) + 3, width);
            }
            foreach (int headDim in new[] { 8, 15, 64, 128 })
                Rotation(report, type, headDim);
            foreach (int width in new[] { 8, 200, 768, 3072 })
            {
                Linear(report, type, 5, width);
                Linear(report, type, ((1 << 22) / width) + 3, width);
            }
        }
    }

    private static void CompilerLog(DeviceReport report)
    {
        string architecture = $"--gpu-architecture={CudaCompiler.Architecture(Device.ComputeCapability)}";
        string message = MessageOf<CudaException>(() => CudaCompiler.Compile("wrong.cu", "__global__ void f() { g(); }", [], [architecture]));
        bool named = message.Contains("wrong.cu(1)", StringComparison.Ordinal) && message.Contains("\"g\" is undefined", StringComparison.Ordinal);
        report.Check("a compile error has the log", named, message.ReplaceLineEndings(" "));
    }

    private static void Folder(DeviceReport report)
    {
        string path = Path.Combine(Path.GetTempPath(), $"maha-{Guid.NewGuid():N}");
        try
        {
            var folder = new CudaCodeFolder(path);
            byte[] code = CudaCode.Get(Source, "", Device, folder);
            string file = Directory.GetFiles(path).Single();
            var written = File.GetLastWriteTimeUtc(file);
            bool read = CudaCode.Get(Source, "", Device, folder).SequenceEqual(code) && File.GetLastWriteTimeUtc(file) == written;
            byte[] content = File.ReadAllBytes(file);
            content[^1] ^= 1;
            File.WriteAllBytes(file, content);
            bool mended = CudaCode.Get(Source, "", Device, folder).SequenceEqual(code) && !File.ReadAllBytes(file).SequenceEqual(content);
            _ = CudaCode.Get(Source, "-DBFLOAT16", Device, folder);
            bool apart = Directory.GetFiles(path).Length == 2;
            report.Check("compiled code is kept and mended", read && mended && apart, $"{code.Length} bytes, read {read}, mended {mended}, apart {apart}");
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    // Threads that never called torch's CUDA part have no current context.
    private static void Threads(DeviceReport report)
    {
        using var scope = NewDisposeScope();
        var rows = randn(1, 50, 24, device: CUDA);
        var expected = RotaryPositions.Rotate(rows, 2, 1).cpu();
        bool[] results = new bool[16];
        var modules = new CudaModule[results.Length];
        var threads = Enumerable.Range(0, results.Length).Select(i => new Thread(() =>
        {
            using var inner = NewDisposeScope();
            modules[i] = CudaModule.Get(Source, "-DOF_THREADS=1", 0);
            results[i] = RotaryPositions.Rotate(rows, 2, 1).cpu().equal(expected).all().item<bool>();
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        bool one = modules.All(module => ReferenceEquals(module, modules[0]));
        int right = results.Count(result => result);
        report.Check("threads share a module", one && right == results.Length, $"one module {one}, {right} of {results.Length} right");
    }

    private static void Disposal(DeviceReport report)
    {
        var own = CudaModule.Load(Source, "", 0);
        var function = own.GetFunction("rotate");
        string unknown = MessageOf<CudaException>(() => own.GetFunction("unknown"));
        own.Dispose();
        own.Dispose();
        string launch = MessageOf<ObjectDisposedException>(() => function.Launch(1, 1, 1, 32, 0));
        string search = MessageOf<ObjectDisposedException>(() => own.GetFunction("rotate"));
        bool passed = unknown.Contains("unknown of rotary.cu", StringComparison.Ordinal) && launch != "" && search != "";
        report.Check("a disposed module launches nothing", passed, unknown);
    }

    private static void Norm(DeviceReport report, ScalarType type, int rows, int width)
    {
        using var scope = NewDisposeScope();
        manual_seed(width);
        using var norm = nn.LayerNorm(width, 1e-5);
        using (no_grad())
        {
            norm.weight!.normal_();
            norm.bias!.normal_();
        }
        norm.to(type).to(CUDA);

        // Views into a larger tensor: their addresses are not those of the storage.
        var both = randn(2, rows, width, device: CUDA).to(type);
        var gradient = randn(rows, width, device: CUDA).to(type);
        Tensor[] operands = [both[0], both[1], norm.weight!, norm.bias!];
        Tensor[] wide = [.. operands.Select(tensor => tensor.detach().cpu().to(ScalarType.Float64).requires_grad_())];
        var expected = nn.functional.layer_norm(wide[0] + wide[1], [width], wide[2], wide[3], 1e-5);
        expected.backward([gradient.cpu().to(ScalarType.Float64)]);

        long before = CudaKernels.Launches;
        Tensor alone;
        using (no_grad())
            alone = Activation.ResidualNorm(norm, both[0], both[1]);
        long forward = CudaKernels.Launches - before;
        var (x, update) = (both[0].detach().requires_grad_(), both[1].detach().requires_grad_());
        var output = Activation.ResidualNorm(norm, x, update);
        output.backward([gradient]);
        long train = CudaKernels.Launches - before - forward;
        double limit = type == ScalarType.Float32 ? 1e-5 : 1e-2;
        double error = Math.Max(Error(expected, alone), Error(expected, output));
        Tensor[] actual = [x.grad!, update.grad!, norm.weight!.grad!, norm.bias!.grad!];
        double gradients = wide.Zip(actual, (tensor, gradient) => Error(tensor.grad!, gradient)).Max();
        bool whole = CudaElements.HasWholeVectors(width, type);
        report.Check($"norm {type} {rows} x {width}, {forward} and {train} launches", ("output", error, limit), ("gradients", gradients, limit),
            ("missing launches", whole && forward != 1 ? 1 : 0, 0));
    }

    private static void Rotation(DeviceReport report, ScalarType type, int headDim)
    {
        using var scope = NewDisposeScope();
        manual_seed(headDim);
        var rows = randn(2, 300, 3 * headDim, device: CUDA).to(type);
        var gradient = randn_like(rows);
        var errors = new List<double>();
        foreach (var (cell, start) in new[] { (1L, 0L), (4L, 70_000L) })
        {
            Compare(tensor => RotaryPositions.Rotate(tensor, 3, cell, start));
            // As queries, keys and values of one head.
            Compare(tensor => RotaryPositions.RotatePacked(tensor, 1, start));
        }
        report.Check($"rotary {type} K {headDim}", ("output and gradient", errors.Max(), type == ScalarType.Float32 ? 1e-6 : 1e-2));

        void Compare(Func<Tensor, Tensor> rotate)
        {
            var wide = rows.cpu().to(ScalarType.Float64).requires_grad_();
            var expected = rotate(wide);
            expected.backward([gradient.cpu().to(ScalarType.Float64)]);
            var x = rows.detach().requires_grad_();
            long before = CudaKernels.Launches;
            var output = rotate(x);
            output.backward([gradient]);
            errors.Add(CudaKernels.Launches - before == 2 ? 0 : double.PositiveInfinity);
            errors.AddRange([Error(expected, output), Error(wide.grad!, x.grad!)]);
        }
    }

    private static void Linear(DeviceReport report, ScalarType type, int rows, int width)
    {
        using var scope = NewDisposeScope();
        manual_seed(width);
        const int depth = 64;
        Tensor[] operands =
        [
            .. new[] { randn(1, rows, depth), randn(width, depth) / 8, randn(width) }.Select(tensor => tensor.to(type).to(CUDA).requires_grad_()),
        ];
        var gradient = randn(1, rows, width, device: CUDA).to(type);
        Tensor[] wide = [.. operands.Select(tensor => tensor.detach().cpu().to(ScalarType.Float64).requires_grad_())];
        var expected = nn.functional.linear(wide[0], wide[1], wide[2]);
        expected.backward([gradient.cpu().to(ScalarType.Float64)]);
        long before = CudaKernels.Launches;
        var output = LinearFunction.Apply(operands[0], operands[1], operands[2]);
        output.backward([gradient]);
        long launches = CudaKernels.Launches - before;
        double limit = type == ScalarType.Float32 ? 1e-5 : 1e-2;
        double gradients = wide.Zip(operands, (tensor, actual) => Error(tensor.grad!, actual.grad!)).Max();
        report.Check($"linear {type} {rows} x {width}, {launches} launches", ("output", Error(expected, output), limit), ("gradients", gradients, limit),
            ("missing launches", (long)rows * width >= 1 << 22 && launches != 2 ? 1 : 0, 0));
    }

    private static CudaDevice Device => CudaDevice.Get(0);

    private static double Error(Tensor expected, Tensor actual) => DeviceReport.Error(DeviceReport.Largest, expected.detach(), actual.detach());

    // The message of the exception; empty where there was none.
    private static string MessageOf<T>(Action action)
        where T : Exception
    {
        try
        {
            action();
            return "";
        }
        catch (T exception)
        {
            return exception.Message;
        }
    }
}
