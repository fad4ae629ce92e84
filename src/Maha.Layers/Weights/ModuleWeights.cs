using System.Runtime.CompilerServices;
using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>
/// Saves the parameters and buffers of a module as safetensors, and loads them back.
/// </summary>
/// <remarks>
/// Saving and loading are all or nothing: that every weight is alive, and names, shapes and element types, are checked before the file or the module is touched.
/// <para>The weights of a module belong to the module, not to the dispose scope that it was built or loaded in: they live until the module is disposed.
/// What a layer's property <c>weight</c>, <c>parameters()</c> or <c>state_dict()</c> returns are the weights themselves, so disposing it destroys the model.</para>
/// </remarks>
public static class ModuleWeights
{
    // The most names that a message lists.
    private const int ListedNames = 10;

    /// <summary>Saves a module's weights to a file.</summary>
    /// <param name="module">The module.</param>
    /// <param name="path">The file's path; an existing file is replaced when the new one is complete.</param>
    /// <param name="metadata">Text pairs to go with the weights.</param>
    /// <exception cref="InvalidOperationException">A weight has been disposed; nothing was written.</exception>
    public static void Save(nn.Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
        => SafetensorsWriter.Write(path, StateOf(module), metadata);

    /// <summary>Saves a module's weights to a stream, which stays open.</summary>
    /// <param name="module">The module.</param>
    /// <param name="stream">A writable stream.</param>
    /// <param name="metadata">Text pairs to go with the weights.</param>
    /// <exception cref="InvalidOperationException">A weight has been disposed; nothing was written.</exception>
    public static void Save(nn.Module module, Stream stream, IReadOnlyDictionary<string, string>? metadata = null)
        => SafetensorsWriter.Write(stream, StateOf(module), metadata);

    /// <summary>Loads a file into a module.</summary>
    /// <param name="module">The module; its weights keep their device and element type, the file's are converted to it.</param>
    /// <param name="path">The file's path.</param>
    /// <returns>The text pairs of the file.</returns>
    /// <exception cref="WeightFileException">The file is broken, or its names or shapes are not the module's.</exception>
    /// <exception cref="InvalidOperationException">A weight of the module has been disposed.</exception>
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
    /// <exception cref="InvalidOperationException">A weight of the module has been disposed.</exception>
    public static IReadOnlyDictionary<string, string> Load(nn.Module module, Stream stream)
    {
        using var reader = new SafetensorsReader(stream, leaveOpen: true);
        return Load(module, reader);
    }

    /// <summary>Copies tensors into a module.</summary>
    /// <param name="module">The module; its weights keep their device and element type.</param>
    /// <param name="tensors">The tensors by the names of the module's state.</param>
    /// <exception cref="WeightFileException">Names or shapes are not the module's.</exception>
    /// <exception cref="InvalidOperationException">A weight of the module has been disposed.</exception>
    public static void Load(nn.Module module, IReadOnlyDictionary<string, Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var state = StateOf(module);
        Compare(state, tensors.ToDictionary(pair => pair.Key, pair => (pair.Value.dtype, (IReadOnlyList<long>)pair.Value.shape)));
        Copy(state, tensors);
    }

    /// <summary>What a module saves, by name; TorchSharp's <c>state_dict</c> leaves disposed weights out without a word.</summary>
    /// <exception cref="InvalidOperationException">A weight has been disposed.</exception>
    internal static Dictionary<string, Tensor> StateOf(nn.Module module)
    {
        RequireAlive(module);
        return module.state_dict();
    }

    /// <summary>Checks that no weight of a module has been disposed, as saving and loading do.</summary>
    /// <param name="module">The module.</param>
    /// <exception cref="InvalidOperationException">One has.</exception>
    public static void RequireAlive(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        var dead = new List<string>();
        int count = 0;
        foreach (var (path, part) in module.named_modules().Prepend(("", module)))
        {
            foreach (var (name, parameter) in ParametersOf(part))
                Look(path, name, parameter);
            foreach (var (name, (buffer, _)) in BuffersOf(part))
                Look(path, name, buffer);
        }
        if (dead.Count > 0)
            throw new InvalidOperationException($"All weights of a module must be alive, but {dead.Count} of {count} have been disposed{List(dead)}. Dispose no tensor that a layer's weight, parameters() or state_dict() returned; build or load the module again.");

        void Look(string path, string name, Tensor weight)
        {
            count++;
            if (weight.IsInvalid)
                dead.Add(path.Length == 0 ? name : $"{path}.{name}");
        }
    }

    /// <summary>Makes a new module the owner of its weights: they live until it is disposed, whatever dispose scope it is built in.</summary>
    /// <remarks>
    /// As TorchSharp's Linear, LayerNorm and convolutions do by themselves. Its Embedding does not, nor do parameters and buffers that a module registers: the constructor that makes such ends with this.
    /// </remarks>
    internal static void OutliveScopes(nn.Module module)
    {
        foreach (var parameter in module.parameters())
            parameter.DetachFromDisposeScope();
        foreach (var buffer in module.buffers())
            buffer.DetachFromDisposeScope();
    }

    // What is registered, disposed or not: TorchSharp's enumerations hide what has been disposed. Its own subclasses see these fields.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_internal_params")]
    private static extern ref OrderedDict<string, Parameter> ParametersOf(nn.Module module);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_internal_buffers")]
    private static extern ref OrderedDict<string, (Tensor, bool)> BuffersOf(nn.Module module);

    private static IReadOnlyDictionary<string, string> Load(nn.Module module, SafetensorsReader reader)
    {
        var state = StateOf(module);
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
