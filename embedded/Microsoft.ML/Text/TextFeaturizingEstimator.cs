using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Text;

namespace Microsoft.ML.Transforms
{
    public abstract class TransformInputBase
    {
        private protected TransformInputBase()
        {
        }
    }
}

namespace Microsoft.ML.Transforms.Text
{
    public sealed class TextFeaturizingEstimator : IEstimator<ITransformer>
    {
        public enum NormFunction
        {
            None = 0,
            L1 = 1,
            L2 = 2,
            Infinity = 3,
        }

        public sealed class Options : TransformInputBase
        {
            public TextNormalizingEstimator.CaseMode CaseMode = TextNormalizingEstimator.CaseMode.Lower;
            public bool KeepDiacritics = false;
            public bool KeepPunctuations = true;
            public bool KeepNumbers = true;
            public string OutputTokensColumnName;
            public NormFunction Norm = NormFunction.L2;

            public Options()
            {
                WordFeatureExtractor = new WordBagEstimator.Options();
                CharFeatureExtractor = new WordBagEstimator.Options { NgramLength = 3, UseAllLengths = false };
            }

            public WordBagEstimator.Options WordFeatureExtractor { get; set; }

            public WordBagEstimator.Options CharFeatureExtractor { get; set; }
        }

        private const string ExpectedType = "scalar or vector of String";

        private readonly IHost _host;
        private readonly string _outputColumn;
        private readonly string[] _inputColumns;
        private readonly Options _options;

        internal TextFeaturizingEstimator(IHostEnvironment env, string name, IEnumerable<string> source, Options options = null)
        {
            Contracts.CheckValue(env, nameof(env));
            _host = env.Register(nameof(TextFeaturizingEstimator));
            _host.CheckNonEmpty(name, nameof(name));
            _host.CheckValue(source, nameof(source));
            _inputColumns = source.ToArray();
            _host.CheckParam(_inputColumns.Length > 0 && !_inputColumns.Any(string.IsNullOrWhiteSpace), nameof(source), "There must be at least one input column, and none without a name.");
            _outputColumn = name;
            _options = options ?? new Options();
            _host.CheckUserArg(Enum.IsDefined(_options.CaseMode), nameof(_options.CaseMode));
            _host.CheckUserArg(Enum.IsDefined(_options.Norm), nameof(_options.Norm));
            _host.CheckUserArg(_options.WordFeatureExtractor != null || _options.CharFeatureExtractor != null, nameof(options),
                "WordFeatureExtractor and CharFeatureExtractor are both null, which leaves no features. Set one of them.");
        }

        public ITransformer Fit(IDataView input)
        {
            _host.CheckValue(input, nameof(input));
            var columns = TextColumns.Find(_host, input.Schema, _inputColumns);
            var featurizer = new TextFeaturizer(_options);
            var row = featurizer.CreateRow(columns.IsVector);
            long rows = 0;
            using var pch = _host.StartProgressChannel("Building n-gram dictionary");
            pch.SetHeader(new ProgressHeader(["Total n-grams"], ["documents"]), e =>
            {
                e.SetMetric(0, featurizer.Size);
                e.SetProgress(0, rows);
            });
            using var cursor = input.GetRowCursor(columns.Columns);
            var reader = columns.CreateReader(cursor);
            while (cursor.MoveNext())
            {
                _host.CheckAlive();
                row.Read(reader());
                row.Train();
                rows++;
            }

            featurizer.Words?.EndTraining();
            featurizer.Chars?.EndTraining();
            pch.Checkpoint(featurizer.Size, rows);
            return new TextFeaturizingTransformer(_host, _outputColumn, _inputColumns, featurizer);
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            _host.CheckValue(inputSchema, nameof(inputSchema));
            foreach (string name in _inputColumns)
            {
                if (!inputSchema.TryFindColumn(name, out var column))
                    throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", name);
                if (column.ItemType is not TextDataViewType)
                    throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", name, ExpectedType, column.GetTypeString());
            }

            var result = inputSchema.ToDictionary(c => c.Name);
            var annotations = new List<SchemaShape.Column> { new(AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false) };
            if (_options.Norm != NormFunction.None)
                annotations.Add(new(AnnotationUtils.Kinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false));
            result[_outputColumn] = new(_outputColumn, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, new SchemaShape(annotations));
            if (!string.IsNullOrEmpty(_options.OutputTokensColumnName))
                result[_options.OutputTokensColumnName] = new(_options.OutputTokensColumnName, SchemaShape.Column.VectorKind.VariableVector, TextDataViewType.Instance, false);
            return new SchemaShape(result.Values);
        }
    }
}
