namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>A document and its class.</summary>
internal readonly record struct TaskDocument(string Label, string Text);

/// <summary>Makes the documents of one task.</summary>
/// <param name="name">The name of the task: the start of the names of its files.</param>
internal abstract class DocumentTask(string name)
{
    public string Name { get; } = name;

    /// <summary>Makes one document.</summary>
    /// <param name="part">The file that the document is for.</param>
    /// <param name="index">The number of the document. Consecutive numbers have classes in turn where the maker can choose the class.</param>
    /// <param name="random">The random numbers of this document.</param>
    public abstract TaskDocument Make(TaskPart part, int index, TaskRandom random);
}
