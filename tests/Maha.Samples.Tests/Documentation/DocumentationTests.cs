using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Maha.Samples.Tests.Documentation;

/// <summary>Compiles the C# of the documentation as the program of a user, who has the public members only.</summary>
public sealed class DocumentationTests
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // A warning for the reader, too: the page shows what is obsolete.
    private static readonly string[] s_obsolete = ["CS0612", "CS0618"];

    private static readonly Lazy<MetadataReference[]> s_references = new(FindReferences);

    public static TheoryData<string> Pages => [.. DocumentationPage.Find(SampleProgram.Root)];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_Compiles(string page)
    {
        string[] problems = Compile(DocumentationPage.ReadSource(SampleProgram.Root, page));
        Assert.True(problems.Length == 0, string.Join(Environment.NewLine, problems));
    }

    [Fact]
    public void InternalMember_DoesNotCompile() =>
        Assert.Contains("CS0122", Assert.Single(Compile("_ = typeof(Maha.Layers.Core.OptionChecks);")), StringComparison.Ordinal);

    private static string[] Compile(string source)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        SyntaxTree[] trees = [CSharpSyntaxTree.ParseText(source, options), CSharpSyntaxTree.ParseText(ImplicitUsings, options)];
        bool isProgram = trees[0].GetCompilationUnitRoot().Members.OfType<GlobalStatementSyntax>().Any();
        var kind = isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        var compilation = CSharpCompilation.Create(
            "Documentation", trees, s_references.Value, new CSharpCompilationOptions(kind, nullableContextOptions: NullableContextOptions.Enable));
        return [.. compilation.GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error || s_obsolete.Contains(diagnostic.Id))
            .Select(diagnostic => diagnostic.ToString())];
    }

    /// <summary>The assemblies of .NET, those of the packages in src, and those that they depend on, which the output of the AutoML sample has.</summary>
    private static MetadataReference[] FindReferences()
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string dependencies = SampleProgram.FolderOf("AutoML");
        string configuration = Path.GetFileName(Path.GetDirectoryName(dependencies)!);
        string[] files =
        [
            .. Directory.GetFiles(framework, "System*.dll"), Path.Combine(framework, "netstandard.dll"),
            .. Directory.GetDirectories(Path.Combine(SampleProgram.Root, "src")).Select(folder => Path.GetFileName(folder))
                .Select(name => Path.Combine(SampleProgram.Root, "src", name, "bin", configuration, "net10.0", $"{name}.dll")),
            .. Directory.GetFiles(dependencies, "Microsoft.ML*.dll"), Path.Combine(dependencies, "TorchSharp.dll"),
            .. Directory.GetFiles(SampleProgram.FolderOf("Search"), "Microsoft.Extensions.*.dll"),
        ];
        return [.. files.Select(file => MetadataReference.CreateFromFile(file))];
    }
}
