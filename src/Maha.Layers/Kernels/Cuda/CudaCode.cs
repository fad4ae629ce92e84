using System.Security.Cryptography;
using System.Text;

namespace Maha.Layers.Kernels;

/// <summary>Compiled code of the sources: from the folder of compiled code, or from NVRTC, and then kept there.</summary>
internal static class CudaCode
{
    // Exact arithmetic is asked for by the sources themselves, not by options: no --use_fast_math.
    private static readonly string[] s_common = ["--std=c++17", "-default-device"];

    /// <summary>Returns the code of a source for a device.</summary>
    /// <param name="source">The file name in <see cref="CudaSources"/>.</param>
    /// <param name="options">Options for NVRTC, separated by spaces.</param>
    /// <param name="device">The device.</param>
    /// <param name="folder">The folder of compiled code.</param>
    public static byte[] Get(string source, string options, CudaDevice device, CudaCodeFolder folder)
    {
        string[] all =
        [
            $"--gpu-architecture={CudaCompiler.Architecture(device.ComputeCapability)}", .. s_common,
            .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        ];
        string[] used = [source, .. CudaSources.Headers];
        string key = Key([CudaSources.Hash(used), .. all, $"driver {device.DriverVersion}", $"nvrtc {CudaCompiler.Version}"]);
        return folder.Read(key) ?? Compile();

        byte[] Compile()
        {
            byte[] code = CudaCompiler.Compile(source, CudaSources.Read(source), [.. CudaSources.Headers.Select(name => (name, CudaSources.Read(name)))], all);
            folder.Write(key, code);
            return code;
        }
    }

    private static string Key(IEnumerable<string> parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));
}
