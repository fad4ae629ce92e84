// The one file that uses what ML.NET keeps internal and a persistable transformer needs (docs/architecture.md).
// The day ML.NET opens these members, only this file changes.
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]

namespace System.Runtime.CompilerServices
{
    /// <summary>Lets the runtime skip the access checks to an assembly; the runtime knows the attribute by its name.</summary>
    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
    {
        /// <summary>The assembly's simple name.</summary>
        public string AssemblyName { get; } = assemblyName;
    }
}

namespace Maha.MLNet.Bridge
{
    /// <summary>What the rest of the library needs of ML.NET's internals, under plain names.</summary>
    internal static class MLNetInternals
    {
        /// <summary>The names and values of the annotations by which ML.NET's components know each other's columns.</summary>
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

        /// <summary>The environment behind a list of trainers, such as <c>mlContext.MulticlassClassification.Trainers</c>.</summary>
        public static IHostEnvironment EnvironmentOf(TrainCatalogBase.CatalogInstantiatorBase trainers) => CatalogUtils.GetEnvironment(trainers);

        /// <summary>The environment behind <c>mlContext.Transforms</c>.</summary>
        public static IHostEnvironment EnvironmentOf(TransformsCatalog transforms) => CatalogUtils.GetEnvironment(transforms);

        /// <summary>The seed that the user gave the MLContext, if any.</summary>
        public static int? SeedOf(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).Seed;

        /// <summary>The device that the user chose on the MLContext, and whether the CPU may stand in for it.</summary>
        public static (int? GpuDeviceId, bool FallbackToCpu) DeviceOf(IHostEnvironment environment)
        {
            var inner = (IHostEnvironmentInternal)environment;
            return (inner.GpuDeviceId, inner.FallbackToCpu);
        }

        /// <summary>The folder for temporary files.</summary>
        public static string TempFolderOf(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).TempFilePath;

        /// <summary>True once the host was cancelled (an AutoML experiment does that when its time is over).</summary>
        public static bool IsCanceled(IHostEnvironment environment) => environment is ICancelable { IsCanceled: true };

        /// <summary>Ends what runs under a context, as an AutoML experiment does with its trials.</summary>
        public static void Cancel(MLContext context) => context.CancelExecution();

        /// <summary>Describes an output column of an estimator.</summary>
        public static SchemaShape.Column ShapeColumn(string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey, SchemaShape? annotations = null)
            => annotations is null ? new SchemaShape.Column(name, kind, itemType, isKey) : new SchemaShape.Column(name, kind, itemType, isKey, annotations);

        /// <summary>Finds a column in the promise of an earlier estimator.</summary>
        public static SchemaShape.Column? Find(SchemaShape schema, string name) => schema.TryFindColumn(name, out var column) ? column : null;

        /// <summary>The free number for a new set of score columns.</summary>
        public static uint NextScoreSet(DataViewSchema schema)
            => AnnotationUtils.GetMaxAnnotationKind(schema, out _, Annotation.ScoreColumnSetId) + 1;

        /// <summary>Writes the version header and the named streams of a transformer. The main stream stays empty behind the header.</summary>
        public static void Save(ModelSaveContext context, string modelSignature, uint version, string loaderSignature, IEnumerable<(string Name, Action<Stream> Write)> streams)
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

        /// <summary>Checks the version header and reads one named stream after the other.</summary>
        /// <exception cref="InvalidDataException">The file is newer than this library, or a stream is missing.</exception>
        public static void Load(ModelLoadContext context, string modelSignature, uint version, string loaderSignature, IEnumerable<(string Name, Action<Stream> Read)> streams)
        {
            context.CheckVersionInfo(Version(modelSignature, version, loaderSignature));
            foreach (var (name, read) in streams)
            {
                if (!context.TryLoadBinaryStream(name, reader => read(reader.BaseStream)))
                    throw new InvalidDataException($"A model of {loaderSignature} must hold the stream '{name}', but the file has none. The file is damaged: save the model again.");
            }
        }

        // The SIMPLE assembly name: a full name would pin the version of the library that wrote the file.
        private static VersionInfo Version(string modelSignature, uint version, string loaderSignature)
            => new(modelSignature: modelSignature, verWrittenCur: version, verReadableCur: version, verWeCanReadBack: 0x00010001,
                loaderAssemblyName: typeof(MLNetInternals).Assembly.GetName().Name!, loaderSignature: loaderSignature);
    }
}
