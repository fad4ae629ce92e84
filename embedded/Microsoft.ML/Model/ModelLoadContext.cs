using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class ModelLoadContext : IDisposable
{
    private readonly RepositoryReader _repository;
    private readonly ModelHeader _header;
    private readonly long _start;

    public readonly BinaryReader Reader;
    public readonly string[] Strings;
    public readonly string Directory;
    public readonly string LoaderAssemblyName;

    private ModelLoadContext(RepositoryReader repository, string directory, Stream stream)
    {
        _repository = repository;
        Directory = directory;
        Reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        _header = ModelHeader.Read(Reader, out _start, out Strings, out LoaderAssemblyName);
    }

    public bool InRepository => _repository != null;

    internal uint VersionWritten => _header.ModelVerWritten;

    public void CheckAtModel() => Contracts.Check(Reader.BaseStream.Position == _start + _header.FpModel);

    public void CheckAtModel(VersionInfo ver)
    {
        CheckAtModel();
        CheckVersionInfo(ver);
    }

    public void CheckVersionInfo(VersionInfo ver) => _header.CheckVersionInfo(ver);

    public string LoadStringOrNull()
    {
        int id = Reader.ReadInt32();
        return id == -1 ? null : StringAt(id);
    }

    public string LoadString() => StringAt(Reader.ReadInt32());

    public string LoadNonEmptyString()
    {
        string text = LoadString();
        Contracts.CheckDecode(text.Length > 0, "Corrupt model: an empty string where a name is needed.");
        return text;
    }

    private string StringAt(int id)
    {
        Contracts.CheckDecode(id >= 0 && id < Strings.Length, $"Corrupt model: string {id} of {Strings.Length} asked for.");
        return Strings[id];
    }

    public bool TryLoadBinaryStream(string name, Action<BinaryReader> action)
    {
        using Stream stream = OpenOrNull(name);
        if (stream == null)
            return false;
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        action(reader);
        return true;
    }

    public bool TryLoadTextStream(string name, Action<TextReader> action)
    {
        using Stream stream = OpenOrNull(name);
        if (stream == null)
            return false;
        using var reader = new StreamReader(stream, leaveOpen: true);
        action(reader);
        return true;
    }

    private Stream OpenOrNull(string name)
    {
        Contracts.Check(InRepository, "Can't Load a sub-model when reading from a single stream");
        Contracts.CheckNonEmpty(name, nameof(name));
        return _repository.OpenEntryOrNull(ModelFile.Combine(Directory, name));
    }

    public bool ContainsModel(string name) =>
        InRepository && !string.IsNullOrEmpty(name) && _repository.Contains(ModelFile.Combine(ModelFile.Combine(Directory, name), ModelFile.ModelStreamName));

    public bool TryProcessSubModel(string dir, Action<ModelLoadContext> action)
    {
        Contracts.Check(InRepository, "Can't Load a sub-model when reading from a single stream");
        string path = ModelFile.Combine(Directory, dir);
        using Stream stream = _repository.OpenEntryOrNull(ModelFile.Combine(path, ModelFile.ModelStreamName));
        if (stream == null)
            return false;
        using var ctx = new ModelLoadContext(_repository, path, stream);
        action(ctx);
        return true;
    }

    public void LoadModel<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra) where TRes : class
    {
        if (!LoadModelOrNull<TRes, TSig>(env, out result, name, extra))
            throw env.ExceptDecode($"Corrupt model file: the part '{ModelFile.Combine(Directory, name)}' is missing.");
    }

    public bool LoadModelOrNull<TRes, TSig>(IHostEnvironment env, out TRes result, string name, params object[] extra) where TRes : class
    {
        Contracts.Check(InRepository, "Can't load a sub-model when reading from a single stream");
        return TryLoad<TRes, TSig>(env, _repository, ModelFile.Combine(Directory, name), out result, extra);
    }

    internal static bool TryLoad<TRes, TSig>(IHostEnvironment env, RepositoryReader repository, string directory, out TRes result, params object[] extra) where TRes : class
    {
        using Stream stream = repository.OpenEntryOrNull(ModelFile.Combine(directory, ModelFile.ModelStreamName));
        if (stream == null)
        {
            result = null;
            return false;
        }
        result = Load<TRes, TSig>(env, repository, directory, stream, extra);
        return true;
    }

    internal static TRes Load<TRes, TSig>(IHostEnvironment env, RepositoryReader repository, string directory, Stream stream, params object[] extra) where TRes : class
    {
        try
        {
            using var ctx = new ModelLoadContext(repository, directory, stream);
            return ctx.Create<TRes, TSig>(env, extra);
        }
        catch (EndOfStreamException ex)
        {
            throw env.ExceptDecode(ex, $"Corrupt model: the stream of '{directory}' ends early.");
        }
    }

    private TRes Create<TRes, TSig>(IHostEnvironment env, object[] extra) where TRes : class
    {
        RegisterLoaderAssembly(env);
        object[] args = [this, .. extra];
        foreach (string signature in new[] { _header.LoaderSignature, _header.LoaderSignatureAlt })
        {
            if (string.IsNullOrWhiteSpace(signature) || !env.ComponentCatalog.TryCreate<TSig>(env, signature, args, out object created))
                continue;
            if (created is TRes result)
            {
                Contracts.CheckDecode(Reader.BaseStream.Position == _start + _header.FpModel + _header.CbModel,
                    $"Corrupt model: the loader of '{signature}' read {Reader.BaseStream.Position - _start - _header.FpModel} of {_header.CbModel} bytes.");
                Reader.BaseStream.Position = _start + _header.FpLim;
                return result;
            }
        }
        throw env.ExceptDecode($"Couldn't load model: '{Directory}'. No class is registered for the loader signature '{_header.LoaderSignature}' (assembly '{LoaderAssemblyName}'). Reference the assembly, or call MLContext.ComponentCatalog.RegisterAssembly.");
    }

    private void RegisterLoaderAssembly(IHostEnvironment env)
    {
        if (string.IsNullOrEmpty(LoaderAssemblyName))
            return;
        // ML.NET's components of several assemblies are all in this one.
        string simpleName = LoaderAssemblyName.Split(',')[0].Trim();
        if (simpleName.StartsWith("Microsoft.ML.", StringComparison.Ordinal))
        {
            env.ComponentCatalog.RegisterAssembly(typeof(ModelLoadContext).Assembly);
            return;
        }
        try
        {
            env.ComponentCatalog.RegisterAssembly(Assembly.Load(LoaderAssemblyName));
        }
        catch (Exception ex) when (ex is IOException or BadImageFormatException)
        {
            throw env.ExceptDecode(ex, $"The model's part '{Directory}' needs the assembly '{LoaderAssemblyName}', which can't be loaded. Reference it.");
        }
    }

    public void Dispose() => Reader.Dispose();
}
