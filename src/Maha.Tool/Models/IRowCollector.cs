using Maha.Tool.Input;
using Microsoft.ML;

namespace Maha.Tool.Models;

/// <summary>Collects what a command needs of the rows of a model. Each thread that runs the model has a collector of its own.</summary>
/// <typeparam name="TPart">What is collected of documents that follow each other.</typeparam>
internal interface IRowCollector<out TPart>
{
    /// <summary>The columns of the model that are read.</summary>
    IEnumerable<string> Columns { get; }

    /// <summary>Receives the row from which the values of the documents are read, from now on.</summary>
    void Bind(DataViewRow row);

    /// <summary>Collects the values of a document, on which the row is.</summary>
    void Add(InputDocument document);

    /// <summary>Returns what was collected since the last call, without a document whose <see cref="Add"/> has thrown.</summary>
    TPart Complete();
}
