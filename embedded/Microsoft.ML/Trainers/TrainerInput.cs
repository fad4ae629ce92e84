using Microsoft.ML.Data;

namespace Microsoft.ML
{
    public sealed class TrainerInfo
    {
        internal TrainerInfo(bool normalization = true, bool caching = true)
        {
            NeedNormalization = normalization;
            WantCaching = caching;
        }

        public bool NeedNormalization { get; }

        public bool WantCaching { get; }
    }
}

namespace Microsoft.ML.Trainers
{
    public abstract class TrainerInputBase
    {
        public string FeatureColumnName = DefaultColumnNames.Features;

        private protected TrainerInputBase()
        {
        }
    }

    public abstract class TrainerInputBaseWithLabel : TrainerInputBase
    {
        public string LabelColumnName = DefaultColumnNames.Label;

        private protected TrainerInputBaseWithLabel()
        {
        }
    }

    public abstract class TrainerInputBaseWithWeight : TrainerInputBaseWithLabel
    {
        public string ExampleWeightColumnName;

        private protected TrainerInputBaseWithWeight()
        {
        }
    }

    public interface ITrainerEstimator<out TTransformer, out TModel> : IEstimator<TTransformer>
        where TTransformer : ISingleFeaturePredictionTransformer<TModel>
        where TModel : class
    {
        TrainerInfo Info { get; }
    }
}
