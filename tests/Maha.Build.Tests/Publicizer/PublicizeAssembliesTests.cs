using Maha.Publicizer;
using Microsoft.Build.Utilities;
using Mono.Cecil;

namespace Maha.Build.Tests.Publicizer;

// Reads this assembly and the types below.
public sealed class PublicizeAssembliesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly BuildEngine _engine = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TypesAndMembers_BecomePublic()
    {
        var closed = Opened(nameof(Closed));
        Assert.True(closed.IsPublic);
        Assert.True(closed.Methods.Single(method => method.Name == "Private").IsPublic);
        Assert.True(closed.Methods.Single(method => method.Name == "Introduced").IsPublic);
        Assert.True(closed.Methods.Single(method => method.IsConstructor).IsPublic);
        Assert.True(closed.Fields.Single(field => field.Name == "_field").IsPublic);
        Assert.True(closed.NestedTypes.Single(type => type.Name == "Nested").IsNestedPublic);
    }

    [Fact]
    public void Overrides_KeepTheirAccess()
    {
        var closed = Opened(nameof(Closed));
        // Overrides of a member of this assembly and of a member of an assembly that is not changed.
        Assert.True(closed.Methods.Single(method => method.Name == "Overridden").IsFamily);
        Assert.True(closed.Methods.Single(method => method.Name == "Dispose").IsFamily);
        // The member that is overridden here becomes public with everything else.
        Assert.True(Opened(nameof(ClosedBase)).Methods.Single(method => method.Name == "Overridden").IsPublic);
    }

    [Fact]
    public void FieldsBehindEvents_StayPrivate()
    {
        var closed = Opened(nameof(Closed));
        Assert.True(closed.Fields.Single(field => field.Name == "Happened").IsPrivate);
        Assert.True(closed.Methods.Single(method => method.Name == "add_Happened").IsPublic);
    }

    [Fact]
    public void ExplicitImplementations_StayPrivate()
    {
        var closed = Opened(nameof(Closed));
        Assert.True(closed.Methods.Single(method => method.Name.EndsWith("CompareTo", StringComparison.Ordinal)).IsPrivate);
    }

    [Fact]
    public void Copy_IsMadeAgainWhereTheOriginalIsAnother()
    {
        string copy = Path.Combine(_folder, "Maha.Build.Tests.dll");
        Run();
        Assert.Equal(File.GetLastWriteTimeUtc(typeof(Closed).Assembly.Location), File.GetLastWriteTimeUtc(copy));
        File.WriteAllText(copy, "of another version");
        Run();
        using var assembly = AssemblyDefinition.ReadAssembly(copy);
        Assert.Equal("Maha.Build.Tests", assembly.Name.Name);
    }

    [Fact]
    public void AssemblyThatIsNotReferenced_IsAnError()
    {
        var task = new PublicizeAssemblies { BuildEngine = _engine, References = [], Names = ["Unheard.Of"], Folder = _folder };
        Assert.False(task.Execute());
        Assert.Equal("The assembly 'Unheard.Of' is to be publicized, so it must be referenced, but no reference has this name. Reference its package.",
            Assert.Single(_engine.Errors));
    }

    private TypeDefinition Opened(string name)
    {
        Run();
        using var assembly = AssemblyDefinition.ReadAssembly(Path.Combine(_folder, "Maha.Build.Tests.dll"), new ReaderParameters { InMemory = true });
        return assembly.MainModule.GetType($"{typeof(Closed).Namespace}.{name}");
    }

    private void Run()
    {
        string path = typeof(Closed).Assembly.Location;
        var references = Directory.GetFiles(AppContext.BaseDirectory, "*.dll")
            .Concat(Directory.GetFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "*.dll"));
        var task = new PublicizeAssemblies
        {
            BuildEngine = _engine,
            References = [.. references.Select(reference => new TaskItem(reference))],
            Names = ["Maha.Build.Tests"],
            Folder = _folder,
        };
        Assert.True(task.Execute());
        var copy = Assert.Single(task.Publicized);
        Assert.Equal(Path.Combine(_folder, Path.GetFileName(path)), copy.ItemSpec);
        Assert.Equal(path, Assert.Single(task.Replaced).ItemSpec);
    }
}

internal abstract class ClosedBase : Stream
{
    protected abstract void Overridden();
}

internal abstract class Closed : ClosedBase, IComparable
{
#pragma warning disable CS0169, CS0649, IDE0044, IDE0051 // used by reflection only
    private int _field;

    private event EventHandler? Happened;

    private void Private() => Happened?.Invoke(this, EventArgs.Empty);
#pragma warning restore CS0169, CS0649, IDE0044, IDE0051

    private protected virtual void Introduced() => Private();

    protected override void Overridden() => Introduced();

    protected override void Dispose(bool disposing) => base.Dispose(disposing);

    int IComparable.CompareTo(object? obj) => _field;

    private sealed class Nested;
}
