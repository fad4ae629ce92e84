using Maha.Layers.Core;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Classification;

// C classes, N tokens of a document, D width, L layers, b branching, w window

/// <summary>Trains a classifier of long documents with two or more classes.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a label column of keys (<c>Key&lt;UInt32&gt;</c>, as <c>Conversion.MapValueToKey</c> makes it) and a column of type Text.
/// Adds <c>Score</c>, a <c>Vector&lt;Single&gt;</c> of size C with the probabilities of the classes, and <c>PredictedLabel</c>, the key of the best class;
/// <c>Conversion.MapKeyToValue</c> turns it back into a label. Rows without a label are left out of the training, with a warning.</para>
/// <para><b>Characteristics.</b> Looks at the data to train: yes, it streams it twice (tokenizer, then token ids). Deterministic: yes, for a seed and a number
/// of threads, on the CPU. Exportable to ONNX: no. Needs TorchSharp's native package. Runs on the CPU, or on the GPU that <c>MLContext.GpuDeviceId</c> names.</para>
/// <para><b>Algorithm.</b> A byte-level BPE tokenizer is trained on the texts; a transformer of L layers with hierarchical attention (HSA, arXiv 2509.15448; multiscale, MAHA, arXiv 2512.14925, and others by choice)
/// reads up to 16,384 tokens; mean and maximum over the tokens go through a linear layer and a softmax. AdamW with warm-up and a cosine, early stopping on
/// documents that are set apart. Linear models over n-grams of the document and of its segments stand beside it, stacked on held-out folds; the documents that are set
/// apart decide what each side weighs (docs/learning.md). <b>Cost</b> of a document: O(L N (D^2 + b D)) time, with <c>Maha</c> w for b, and O(L N D) memory; nothing of size N x N exists.
/// The n-grams take seconds. Where words alone tell, <c>NGrams</c> of the defaults already do most of the work: a small network is enough then.</para>
/// </remarks>
public sealed class MahaTextClassificationTrainer : IEstimator<MahaTextClassificationTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;

    /// <summary>The options of <see cref="MahaTextClassificationTrainer"/>.</summary>
    public sealed class Options : MahaClassifierOptions
    {
    }

    internal MahaTextClassificationTrainer(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        ClassifierFitting.Check(options);
        _host = environment.Register(nameof(MahaTextClassificationTrainer));
        // A copy: what the caller changes afterward has no effect.
        _options = (Options)options.Copy();
    }

    /// <summary>Trains on a data view.</summary>
    /// <param name="input">Data with the label and the text column.</param>
    /// <returns>The trained transformer; it owns native memory and is disposable.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="ArgumentException">The validation set has other labels than the training data.</exception>
    /// <exception cref="InvalidOperationException">There are not two classes with documents.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded: a native package is missing, or the system is too old for it. Nothing was read then.</exception>
    public MahaTextClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var (documents, labels) = Bind(input, nameof(input));
        LabeledTexts? validation = null;
        if (_options.ValidationSet is { } set)
        {
            (validation, var others) = Bind(set, nameof(_options.ValidationSet));
            if (!others.Names.SequenceEqual(labels.Names))
                throw new ArgumentException($"The validation set must have the labels of the training data ({Show(labels)}), but has {Show(others)}. Map both with one fitted MapValueToKey.", nameof(_options.ValidationSet));
        }
        var columns = new ClassifierColumns(_options.LabelColumnName, _options.TextColumnName, _options.ScoreColumnName, null, _options.PredictedLabelColumnName);
        return new MahaTextClassificationTransformer(new ClassifierFitting(_host, _options).Fit(documents, validation, labels, columns, MahaTextClassificationTransformer.Format));
    }

    /// <summary>What the schema will be behind the trained transformer.</summary>
    /// <param name="inputSchema">The promise of the estimators before.</param>
    /// <returns>The input's columns with the added ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or will have another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var label = InputColumns.Scalar(inputSchema, _options.LabelColumnName, nameof(inputSchema), "a key (append Conversion.MapValueToKey before)",
            column => column.IsKey && column.ItemType == NumberDataViewType.UInt32);
        InputColumns.Text(inputSchema, _options.TextColumnName, nameof(inputSchema));
        var values = Find(label.Annotations, Annotation.KeyValues)?.ItemType ?? NumberDataViewType.UInt32;
        var columns = inputSchema.Where(column => column.Name != _options.ScoreColumnName && column.Name != _options.PredictedLabelColumnName).ToList();
        columns.Add(ShapeColumn(_options.ScoreColumnName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false,
            values is TextDataViewType
                ? ScoreColumns.CreateShape(names: [(Annotation.SlotNames, values), (Annotation.TrainingLabelValues, values)])
                : ScoreColumns.CreateShape(names: [(Annotation.TrainingLabelValues, values)])));
        columns.Add(ShapeColumn(_options.PredictedLabelColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true,
            ScoreColumns.CreateShape(names: [(Annotation.KeyValues, values)])));
        return new SchemaShape(columns);
    }

    private (LabeledTexts Documents, LabelNames Labels) Bind(IDataView data, string parameter)
    {
        var label = InputColumns.KeyLabel(data.Schema, _options.LabelColumnName, parameter);
        var text = InputColumns.Text(data.Schema, _options.TextColumnName, parameter);
        int count = (int)((KeyDataViewType)label.Type).Count;
        return (new LabeledTexts(data, text, label), LabelNames.FromColumn(label) ?? LabelNames.Numbered(count));
    }

    private static string Show(LabelNames labels)
        => labels.Count <= 10 ? string.Join(", ", labels.Names) : $"{string.Join(", ", labels.Names.Take(10))}, ... ({labels.Count})";
}
