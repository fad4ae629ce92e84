using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>
/// Saves the parameters and buffers of a module as safetensors, and loads them back.
/// </summary>
/// <remarks>Loading is all or nothing: names, shapes and element types are compared before the module is touched.</remarks>
public static class ModuleWeights
{
    // The most names that a message lists.
    private const int ListedNames = 10;

    /// <summary>Saves a module's weights to a file.</summary>
    /// <param name="module">The module.</param>
    /// <param name="path">The file's path; an existing file is replaced when the new one is complete.</param>
    /// <param name="metadata">Text pairs to go with the weights.</param>
    public static void Save(nn.Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        SafetensorsWriter.Write(path, module.state_dict(), metadata);
    }

    /// <summary>Saves a module's weights to a stream, which stays open.</summary>
    /// <param name="module">The module.</param>
    /// <param name="stream">A writable stream.</param>
    /// <param name="metadata">Text pairs to go with the weights.</param>
    public static void Save(nn.Module module, Stream stream, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        SafetensorsWriter.Write(stream, module.state_dict(), metadata);
    }

    /// <summary>Loads a file into a module.</summary>
    /// <param name="module">The module; its weights keep their device and element type, the file's are converted to it.</param>
    /// <param name="path">The file's path.</param>
    /// <returns>The text pairs of the file.</returns>
    /// <exception cref="WeightFileException">The file is broken, or its names or shapes are not the module's.</exception>
    public static IReadOnlyDictionary<string, string> Load(nn.Module module, string path)
    {
        using var reader = SafetensorsReader.Open(path);
        return Load(module, reader);
    }

    /// <summary>Loads a stream into a module.</summary>
    /// <param name="module">The module; its weights keep their device and element type, the file's are converted to it.</param>
    /// <param name="stream">A readable stream at the beginning of the file; it stays open and need not seek.</param>
    /// <returns>The text pairs of the file.</returns>
    /// <exception cref="WeightFileException">The file is broken, or its names or shapes are not the module's.</exception>
    public static IReadOnlyDictionary<string, string> Load(nn.Module module, Stream stream)
    {
        using var reader = new SafetensorsReader(stream, leaveOpen: true);
        return Load(module, reader);
    }

    /// <summary>Copies tensors into a module.</summary>
    /// <param name="module">The module; its weights keep their device and element type.</param>
    /// <param name="tensors">The tensors by the names of the module's state.</param>
    /// <exception cref="WeightFileException">Names or shapes are not the module's.</exception>
    public static void Load(nn.Module module, IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(tensors);
        var state = module.state_dict();
        Compare(state, tensors.ToDictionary(pair => pair.Key, pair => (pair.Value.dtype, (IReadOnlyList<long>)pair.Value.shape)));
        Copy(state, tensors);
    }

    private static IReadOnlyDictionary<string, string> Load(nn.Module module, SafetensorsReader reader)
    {
        ArgumentNullException.ThrowIfNull(module);
        var state = module.state_dict();
        Compare(state, reader.Entries.ToDictionary(entry => entry.Name, entry => (entry.ElementType, entry.Shape)));
        using var scope = NewDisposeScope();
        Copy(state, reader.ReadAll());
        return reader.Metadata;
    }

    private static void Compare(Dictionary<string, Tensor> state, Dictionary<string, (ScalarType Type, IReadOnlyList<long> Shape)> given)
    {
        var missing = state.Keys.Where(name => !given.ContainsKey(name)).ToList();
        var unexpected = given.Keys.Where(name => !state.ContainsKey(name)).ToList();
        if (missing.Count + unexpected.Count > 0)
            throw new WeightFileException($"The weights must have the names of the module's state, but {missing.Count} are missing{List(missing)} and {unexpected.Count} are unexpected{List(unexpected)}. Build the module with the options that the weights were saved with, or map the names.");
        foreach (var (name, target) in state)
        {
            var (type, shape) = given[name];
            if (!shape.SequenceEqual(target.shape))
                throw new WeightFileException($"The weights must have the shapes of the module's state, but {SafetensorsHeader.Quote(name)} is {TensorChecks.Show(shape.ToArray())} and the module's is {TensorChecks.Show(target.shape)}. Build the module with the options that the weights were saved with.");
            if (is_floating_point(type) != target.is_floating_point())
                throw new WeightFileException($"The weights must have the kind of elements of the module's state, but {SafetensorsHeader.Quote(name)} holds {type} and the module's {target.dtype}.");
        }
    }

    private static void Copy(Dictionary<string, Tensor> state, IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var noGradient = no_grad();
        foreach (var (name, target) in state)
            target.copy_(tensors[name]);
    }

    private static string List(List<string> names)
    {
        if (names.Count == 0)
            return "";
        var listed = names.Order(StringComparer.Ordinal).Take(ListedNames).Select(SafetensorsHeader.Quote);
        return $" ({string.Join(", ", listed)}{(names.Count > ListedNames ? ", ..." : "")})";
    }
}
