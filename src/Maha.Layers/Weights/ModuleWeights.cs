using System.Runtime.CompilerServices;
using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>
/// Saves the parameters and buffers of a module to safetensors files, and loads them.
/// </summary>
/// <remarks>
/// <para>Names, shapes and element types are checked, and whether a weight has been disposed or is not finite, before a file is written or
/// a module is changed. So an exception leaves the file or the module as it was.</para>
/// <para>Files have checksums of their header and of every tensor, as metadata. A file without them, such as one of another program, is read
/// as well.</para>
/// <para>The weights of a module belong to the module, not to the dispose scope in which it was built or loaded: they live until the module
/// is disposed. A layer's property <c>weight</c>, <c>parameters()</c> and <c>state_dict()</c> return the weights themselves, not copies, so
/// disposing a returned tensor destroys the model.</para>
/// </remarks>
public static class ModuleWeights
{
    // The maximum number of names that a message lists.
    private const int ListedNames = 10;

    /// <summary>Saves the weights of a module to a file.</summary>
    /// <param name="module">The module.</param>
    /// <param name="path">The path of the file. An existing file is replaced when the new one is complete.</param>
    /// <param name="metadata">Key-value pairs of text to save with the weights; null for none.</param>
    /// <exception cref="InvalidOperationException">A weight has been disposed, or is not finite. Nothing was written.</exception>
    public static void Save(nn.Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
        => SafetensorsWriter.WriteWithChecksums(path, FiniteStateOf(module), metadata);

    /// <summary>Saves the weights of a module to a stream, which stays open.</summary>
    /// <param name="module">The module.</param>
    /// <param name="stream">A writable stream.</param>
    /// <param name="metadata">Key-value pairs of text to save with the weights; null for none.</param>
    /// <exception cref="InvalidOperationException">A weight has been disposed, or is not finite. Nothing was written.</exception>
    public static void Save(nn.Module module, Stream stream, IReadOnlyDictionary<string, string>? metadata = null)
        => SafetensorsWriter.WriteWithChecksums(stream, FiniteStateOf(module), metadata);

    /// <summary>Loads the weights of a module from a file.</summary>
    /// <param name="module">The module. Its weights keep their device and element type; the values of the file are converted.</param>
    /// <param name="path">The path of the file.</param>
    /// <returns>The metadata of the file.</returns>
    /// <exception cref="WeightFileException">
    /// The file is damaged, its names, shapes or element types are not those of the module, or a weight is not finite in the element type of the module.
    /// </exception>
    /// <exception cref="InvalidOperationException">A weight of the module has been disposed.</exception>
    public static IReadOnlyDictionary<string, string> Load(nn.Module module, string path)
    {
        using var reader = SafetensorsReader.Open(path);
        return Load(module, reader);
    }

    /// <summary>Loads the weights of a module from a stream.</summary>
    /// <param name="module">The module. Its weights keep their device and element type; the values of the file are converted.</param>
    /// <param name="stream">A readable stream at the beginning of the file. It stays open and need not support seeking.</param>
    /// <returns>The metadata of the file.</returns>
    /// <exception cref="WeightFileException">
    /// The file is damaged, its names, shapes or element types are not those of the module, or a weight is not finite in the element type of the module.
    /// </exception>
    /// <exception cref="InvalidOperationException">A weight of the module has been disposed.</exception>
    public static IReadOnlyDictionary<string, string> Load(nn.Module module, Stream stream)
    {
        using var reader = new SafetensorsReader(stream, leaveOpen: true);
        return Load(module, reader);
    }

    /// <summary>Copies tensors into the weights of a module.</summary>
    /// <param name="module">The module. Its weights keep their device and element type; the values of the tensors are converted.</param>
    /// <param name="tensors">The tensors by their names in the state of the module.</param>
    /// <exception cref="WeightFileException">
    /// Names, shapes or element types are not those of the module, or a weight is not finite in the element type of the module.
    /// </exception>
    /// <exception cref="ArgumentException">A tensor is null or has been disposed.</exception>
    /// <exception cref="InvalidOperationException">A weight of the module has been disposed.</exception>
    public static void Load(nn.Module module, IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        foreach (var (name, tensor) in tensors)
            TensorChecks.Alive(tensor, $"{nameof(tensors)}[\"{name}\"]");
        var state = StateOf(module);
        RequireMatch(state, tensors.ToDictionary(pair => pair.Key, pair => (pair.Value.dtype, (IReadOnlyList<long>)pair.Value.shape)));
        Copy(state, tensors);
    }

    /// <summary>Returns the weights of a module by name. Unlike TorchSharp's <c>state_dict</c>, it does not silently omit disposed weights.</summary>
    /// <exception cref="InvalidOperationException">A weight has been disposed.</exception>
    internal static Dictionary<string, Tensor> StateOf(nn.Module module)
    {
        RequireAlive(module);
        return module.state_dict();
    }

    private static Dictionary<string, Tensor> FiniteStateOf(nn.Module module)
    {
        var state = StateOf(module);
        if (NotFinite(state, state) is { } problem)
            throw new InvalidOperationException($"{problem} A model with such weights predicts nothing; train it again, with a lower learning rate.");
        return state;
    }

    /// <summary>Returns the name of a weight that is not finite; null if all are finite.</summary>
    internal static string? FirstNotFinite(nn.Module module)
    {
        using var noGradient = no_grad();
        return StateOf(module).FirstOrDefault(weight => CountNotFinite(weight.Value, weight.Value.dtype) > 0).Key;
    }

    // Which weight is not finite in the type of the module, in words; null for none.
    private static string? NotFinite(IEnumerable<KeyValuePair<string, Tensor>> weights, IReadOnlyDictionary<string, Tensor> state)
    {
        using var noGradient = no_grad();
        foreach (var (name, weight) in weights)
        {
            var type = state[name].dtype;
            long count = CountNotFinite(weight, type);
            if (count > 0)
            {
                return $"The weights of a module must be finite, but {count} of {weight.numel()} numbers of {SafetensorsHeader.Quote(name)} are NaN or infinite"
                    + (type == weight.dtype ? "." : $" as {type}, the type of the module, and {weight.dtype} in the source.");
            }
        }
        return null;
    }

    private static long CountNotFinite(Tensor weight, ScalarType type)
    {
        if (!weight.is_floating_point())
            return 0;
        using var scope = NewDisposeScope();
        var isFinite = weight.detach().to(type).isfinite();
        return isFinite.all().item<bool>() ? 0 : isFinite.logical_not().sum().item<long>();
    }

    /// <summary>Checks that no weight of a module has been disposed. Saving and loading do the same check.</summary>
    /// <param name="module">The module.</param>
    /// <exception cref="InvalidOperationException">A weight has been disposed. The message names it.</exception>
    public static void RequireAlive(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        var disposed = new List<string>();
        int count = 0;
        foreach (var (path, part) in module.named_modules().Prepend(("", module)))
        {
            foreach (var (name, parameter) in ParametersOf(part))
                Check(path, name, parameter);
            foreach (var (name, (buffer, _)) in BuffersOf(part))
                Check(path, name, buffer);
        }
        if (disposed.Count > 0)
        {
            throw new InvalidOperationException(
                $"All weights of a module must be alive, but {disposed.Count} of {count} have been disposed{FormatNames(disposed)}. " +
                "Dispose no tensor that a layer's weight, parameters() or state_dict() returned; build or load the module again.");
        }

        void Check(string path, string name, Tensor weight)
        {
            count++;
            if (weight.IsInvalid)
                disposed.Add(path.Length == 0 ? name : $"{path}.{name}");
        }
    }

    /// <summary>Detaches the weights of a new module from the dispose scope that it is built in: they live until the module is disposed.</summary>
    /// <remarks>
    /// TorchSharp's Linear, LayerNorm and convolutions do so themselves. Its Embedding does not, and a module that registers parameters or
    /// buffers of its own does not either: the constructor of such a module ends with this call.
    /// </remarks>
    internal static void OutliveScopes(nn.Module module)
    {
        foreach (var parameter in module.parameters())
            parameter.DetachFromDisposeScope();
        foreach (var buffer in module.buffers())
            buffer.DetachFromDisposeScope();
    }

    // All registered tensors: the enumerations of TorchSharp hide those that have been disposed.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_internal_params")]
    private static extern ref OrderedDict<string, Parameter> ParametersOf(nn.Module module);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_internal_buffers")]
    private static extern ref OrderedDict<string, (Tensor, bool)> BuffersOf(nn.Module module);

    private static IReadOnlyDictionary<string, string> Load(nn.Module module, SafetensorsReader reader)
    {
        var state = StateOf(module);
        RequireMatch(state, reader.Entries.ToDictionary(entry => entry.Name, entry => (entry.ElementType, entry.Shape)));
        using var scope = NewDisposeScope();
        Copy(state, reader.ReadAll());
        return reader.Metadata;
    }

    private static void RequireMatch(Dictionary<string, Tensor> state, Dictionary<string, (ScalarType Type, IReadOnlyList<long> Shape)> values)
    {
        var missing = state.Keys.Where(name => !values.ContainsKey(name)).ToList();
        var unexpected = values.Keys.Where(name => !state.ContainsKey(name)).ToList();
        if (missing.Count + unexpected.Count > 0)
        {
            throw new WeightFileException(
                $"The weights must have the names of the module's state, but {missing.Count} are missing{FormatNames(missing)} and " +
                $"{unexpected.Count} are unexpected{FormatNames(unexpected)}. " +
                "Build the module with the options that the weights were saved with, or map the names.");
        }
        foreach (var (name, target) in state)
        {
            var (type, shape) = values[name];
            if (!shape.SequenceEqual(target.shape))
            {
                throw new WeightFileException(
                    $"The weights must have the shapes of the module's state, but {SafetensorsHeader.Quote(name)} is " +
                    $"{TensorChecks.Show(shape.ToArray())} and the module's is {TensorChecks.Show(target.shape)}. " +
                    "Build the module with the options that the weights were saved with.");
            }
            if (is_floating_point(type) != target.is_floating_point())
            {
                throw new WeightFileException(
                    $"The weights must be floating-point numbers where the module's are, but {SafetensorsHeader.Quote(name)} holds {type} and " +
                    $"the module's {target.dtype}. Save the weights with the element type of the module.");
            }
        }
    }

    private static void Copy(Dictionary<string, Tensor> state, IReadOnlyDictionary<string, Tensor> tensors)
    {
        // Before the first weight is changed.
        if (NotFinite(tensors, state) is { } problem)
        {
            throw new WeightFileException(
                $"{problem} The file is damaged, the training of the model had diverged, or its numbers are too large for the type: use another file.");
        }
        using var noGradient = no_grad();
        foreach (var (name, target) in state)
            target.copy_(tensors[name]);
    }

    private static string FormatNames(List<string> names)
    {
        if (names.Count == 0)
            return "";
        var listed = names.Order(StringComparer.Ordinal).Take(ListedNames).Select(SafetensorsHeader.Quote);
        return $" ({string.Join(", ", listed)}{(names.Count > ListedNames ? ", ..." : "")})";
    }
}
