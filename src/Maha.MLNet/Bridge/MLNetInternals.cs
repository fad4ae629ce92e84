// A transformer that can be saved needs members that ML.NET keeps internal. Only this file uses them: should ML.NET make them public, only this file changes.
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

namespace System.Runtime.CompilerServices
{
    /// <summary>Makes the runtime skip the access checks to an assembly. The runtime recognizes the attribute by its name.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        /// <summary>The simple name of the assembly.</summary>
        public string AssemblyName { get; } = assemblyName;
    }
}

namespace Maha.MLNet.Bridge
{
    /// <summary>Gives the rest of the library access to ML.NET's internal members.</summary>
    internal static class MLNetInternals
    {
        /// <summary>The names and values of the annotations by which ML.NET's components recognize columns.</summary>
        public static class Annotation
        {
            public const string KeyValues = AnnotationUtils.Kinds.KeyValues;
            public const string IsNormalized = AnnotationUtils.Kinds.IsNormalized;
            public const string SlotNames = AnnotationUtils.Kinds.SlotNames;
            public const string TrainingLabelValues = AnnotationUtils.Kinds.TrainingLabelValues;
            public const string ScoreColumnSetId = AnnotationUtils.Kinds.ScoreColumnSetId;
            public const string ScoreColumnKind = AnnotationUtils.Kinds.ScoreColumnKind;
            public const string ScoreValueKind = AnnotationUtils.Kinds.ScoreValueKind;
            public const string Multiclass = AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification;
            public const string Binary = AnnotationUtils.Const.ScoreColumnKind.BinaryClassification;
            public const string Score = AnnotationUtils.Const.ScoreValueKind.Score;
            public const string Probability = AnnotationUtils.Const.ScoreValueKind.Probability;
            public const string PredictedLabel = AnnotationUtils.Const.ScoreValueKind.PredictedLabel;

            public static KeyDataViewType ScoreColumnSetIdType => AnnotationUtils.ScoreColumnSetIdType;
        }

        /// <summary>Returns the environment of a catalog of trainers, such as <c>mlContext.MulticlassClassification.Trainers</c>.</summary>
        public static IHostEnvironment EnvironmentOf(TrainCatalogBase.CatalogInstantiatorBase trainers) => CatalogUtils.GetEnvironment(trainers);

        /// <summary>Returns the environment of <c>mlContext.Transforms</c>.</summary>
        public static IHostEnvironment EnvironmentOf(TransformsCatalog transforms) => CatalogUtils.GetEnvironment(transforms);

        /// <summary>The environment of an <see cref="MLContext"/>'s model operations.</summary>
        public static IHostEnvironment EnvironmentOf(ModelOperationsCatalog model) => CatalogUtils.GetEnvironment(model);

        /// <summary>Returns the seed of the MLContext, or null if it has none.</summary>
        public static int? SeedOf(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).Seed;

        /// <summary>Returns the GPU that the MLContext names, and whether the CPU may replace it.</summary>
        public static (int? GpuDeviceId, bool FallbackToCpu) DeviceOf(IHostEnvironment environment)
        {
            var inner = (IHostEnvironmentInternal)environment;
            return (inner.GpuDeviceId, inner.FallbackToCpu);
        }

        /// <summary>Returns the folder for temporary files.</summary>
        public static string TempFolderOf(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).TempFilePath;

        /// <summary>Returns whether the host was canceled. An AutoML experiment cancels it when its time is over.</summary>
        public static bool IsCanceled(IHostEnvironment environment) => environment is ICancelable { IsCanceled: true };

        /// <summary>Cancels the operations of a context, as an AutoML experiment does with its trials.</summary>
        public static void Cancel(MLContext context) => context.CancelExecution();

        /// <summary>Creates the shape of an output column of an estimator.</summary>
        public static SchemaShape.Column ShapeColumn(
            string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey, SchemaShape? annotations = null)
            => annotations is null
                ? new SchemaShape.Column(name, kind, itemType, isKey)
                : new SchemaShape.Column(name, kind, itemType, isKey, annotations);

        /// <summary>Finds a column in the output schema of an earlier estimator.</summary>
        public static SchemaShape.Column? Find(SchemaShape schema, string name) => schema.TryFindColumn(name, out var column) ? column : null;

        /// <summary>Returns an unused number for a new set of score columns.</summary>
        public static uint NextScoreSet(DataViewSchema schema)
            => AnnotationUtils.GetMaxAnnotationKind(schema, out _, Annotation.ScoreColumnSetId) + 1;

        /// <summary>Writes the version header and the named streams of a transformer. The main stream has nothing after the header.</summary>
        public static void Save(
            ModelSaveContext context, string modelSignature, uint version, string loaderSignature, IEnumerable<(string Name, Action<Stream> Write)> streams)
        {
            context.SetVersionInfo(Version(modelSignature, version, loaderSignature));
            foreach (var (name, write) in streams)
            {
                context.SaveBinaryStream(name, writer =>
                {
                    writer.Flush();
                    write(writer.BaseStream);
                });
            }
        }

        /// <summary>Checks the version header, then reads the named streams in order.</summary>
        /// <exception cref="FormatException">The header has another signature, or a version that can't be read; see <see cref="IsNewer"/>.</exception>
        /// <exception cref="InvalidDataException">A stream is missing.</exception>
        public static void Load(
            ModelLoadContext context, string modelSignature, uint version, string loaderSignature, IEnumerable<(string Name, Action<Stream> Read)> streams)
        {
            context.CheckVersionInfo(Version(modelSignature, version, loaderSignature));
            foreach (var (name, read) in streams)
            {
                if (!context.TryLoadBinaryStream(name, reader => read(reader.BaseStream)))
                {
                    throw new InvalidDataException(
                        $"A model of {loaderSignature} must hold the stream '{name}', but the file has none. The file is damaged: save the model again.");
                }
            }
        }

        /// <summary>Returns whether a file needs a reader of a newer version.</summary>
        public static bool IsNewer(ModelLoadContext context, uint version) => context.Header.ModelVerReadable > version;

        // The simple assembly name, since a full name would require the version of the library that wrote the file.
        private static VersionInfo Version(string modelSignature, uint version, string loaderSignature)
            => new(modelSignature: modelSignature, verWrittenCur: version, verReadableCur: version, verWeCanReadBack: 0x00010001,
                loaderAssemblyName: typeof(MLNetInternals).Assembly.GetName().Name!, loaderSignature: loaderSignature);
    }
}
