using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed class ModelSaveContext : IDisposable
{
    private readonly RepositoryWriter _repository;
    private readonly long _start;
    private readonly List<string> _strings = [];
    private readonly Dictionary<string, int> _stringIds = [];
    private VersionInfo _version;

    public readonly BinaryWriter Writer;
    public readonly string Directory;

    private ModelSaveContext(RepositoryWriter repository, string directory, Stream stream)
    {
        _repository = repository;
        Directory = directory;
        Writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        ModelHeader.BeginWrite(Writer, out _start);
    }

    public bool InRepository => _repository != null;

    public void CheckAtModel() => Contracts.Check(Writer.BaseStream.Position == _start + ModelHeader.Size);

    public void SetVersionInfo(VersionInfo ver) => _version = ver;

    public void SaveStringOrNull(string str) => Writer.Write(str == null ? -1 : IdOf(str));

    public void SaveString(string str)
    {
        Contracts.CheckValue(str, nameof(str));
        Writer.Write(IdOf(str));
    }

    public void SaveNonEmptyString(string str)
    {
        Contracts.CheckParam(!string.IsNullOrEmpty(str), nameof(str));
        Writer.Write(IdOf(str));
    }

    private int IdOf(string str)
    {
        if (_stringIds.TryGetValue(str, out int id))
            return id;
        _strings.Add(str);
        return _stringIds[str] = _strings.Count - 1;
    }

    public void SaveBinaryStream(string name, Action<BinaryWriter> action)
    {
        CheckInRepository();
        Contracts.CheckNonEmpty(name, nameof(name));
        _repository.WriteEntry(ModelFile.Combine(Directory, name), stream =>
        {
            using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
            action(writer);
        });
    }

    public void SaveTextStream(string name, Action<TextWriter> action)
    {
        CheckInRepository();
        Contracts.CheckNonEmpty(name, nameof(name));
        _repository.WriteEntry(ModelFile.Combine(Directory, name), stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true);
            action(writer);
        });
    }

    public void SaveModel<T>(T value, string name) where T : class
    {
        CheckInRepository();
        SaveModelCore(_repository, value, ModelFile.Combine(Directory, name));
    }

    public void SaveSubModel(string dir, Action<ModelSaveContext> fn)
    {
        CheckInRepository();
        Write(_repository, ModelFile.Combine(Directory, dir), fn);
    }

    private void CheckInRepository() => Contracts.Check(InRepository, "Can't save a sub-model when writing to a single stream");

    internal static void SaveModelCore<T>(RepositoryWriter repository, T value, string path) where T : class
    {
        if (value == null)
            return;
        if (value is not ICanSaveModel model)
            throw Contracts.ExceptNotSupp($"A model of type {value.GetType()} can't be saved: it doesn't implement ICanSaveModel.");
        Write(repository, path, model.Save);
    }

    private static void Write(RepositoryWriter repository, string directory, Action<ModelSaveContext> write) =>
        repository.WriteEntry(ModelFile.Combine(directory, ModelFile.ModelStreamName), stream => Write(repository, directory, stream, write));

    internal static void Write(RepositoryWriter repository, string directory, Stream stream, Action<ModelSaveContext> write)
    {
        using var ctx = new ModelSaveContext(repository, directory, stream);
        write(ctx);
        Contracts.Check(ctx._version.ModelSignature != 0, "ModelSignature not specified!");
        ModelHeader.EndWrite(ctx.Writer, ctx._start, ctx._version, ctx._strings);
    }

    public void Dispose() => Writer.Dispose();
}
