using Maha.Layers.Data;
using Maha.Layers.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

public class PriorBaselineTests
{
    private static readonly int[] s_labels = [0, 0, 0, 0, 0, 1, 1, 3];

    [Theory]
    [InlineData(ClassWeighting.None, 0)]
    [InlineData(ClassWeighting.None, 0.2)]
    [InlineData(ClassWeighting.Balanced, 0)]
    [InlineData(ClassWeighting.Balanced, 0.2)]
    public void TrainingLoss_IsTheLowestOfAPredictionThatIsTheSameForAll(ClassWeighting weighting, double labelSmoothing)
    {
        using var scope = NewDisposeScope();
        using var documents = Documents(s_labels);
        var constant = new Constant(4);
        var task = new SequenceClassificationTask(constant, (ids, _) => (constant.call(ids), null), 4);
        task.Begin(new TrainingOptions { ClassWeighting = weighting, LabelSmoothing = labelSmoothing }, documents, null);
        var batch = TokenBatch.Create(documents, [.. Enumerable.Range(0, s_labels.Length)]);
        double lowest = ((IPriorTask)task).Prior!.TrainingLoss;
        // Gradient descent on the logits themselves; the loss is convex.
        using (var optimizer = optim.SGD(constant.parameters(), learningRate: 2))
        {
            for (int step = 0; step < 3000; step++)
            {
                optimizer.zero_grad();
                task.Loss(batch).Mean.backward();
                optimizer.step();
            }
        }
        double reached = task.Loss(batch).Mean.item<double>();
        // Without label smoothing, a class without documents has a logit that falls for ever.
        Assert.InRange(reached - lowest, -1e-12, labelSmoothing > 0 ? 1e-9 : 1e-3);
    }

    [Fact]
    public void ValidationMetrics_AreThoseOfTheShares()
    {
        var prior = PriorBaseline.Create([6, 2, 0], null, 0, [1, 1, 2]);
        Assert.Equal(-(Math.Log(6.5 / 9.5) + Math.Log(2.5 / 9.5) + (2 * Math.Log(0.5 / 9.5))) / 4, prior.ValidationLoss, 1e-12);
        Assert.Equal(0.5, prior.ValidationAccuracy);
        Assert.True(double.IsNaN(PriorBaseline.Create([6, 2, 0], null, 0, null).ValidationLoss));
    }

    [Theory]
    [InlineData(0.98, 0.1, true)]
    [InlineData(0.995, 0.1, false)]
    [InlineData(1.5, 0.1, false)]
    [InlineData(1.5, 0.57, false)]
    [InlineData(1.5, 0.6, true)]
    [InlineData(double.NaN, 0.6, false)]
    public void Prior_IsBeatenByLossOrAccuracy(double loss, double accuracy, bool isBeaten) =>
        Assert.Equal(isBeaten, new PriorBaseline(1, 1, 0.5).IsBeatenBy(new ValidationMetrics { Loss = loss, Accuracy = accuracy, Count = 400 }));

    private static TokenizedDataset Documents(int[] labels) =>
        TokenizedDataset.FromTokenIds(labels.Select((label, i) => (Enumerable.Range(i + 1, i + 2).ToArray(), label)));

    /// <summary>Logits that are the same for every document.</summary>
    private sealed class Constant : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter _logits;

        public Constant(int numClasses) : base(nameof(Constant))
        {
            _logits = new Parameter(zeros(numClasses, dtype: ScalarType.Float64));
            register_parameter("logits", _logits);
        }

        public override Tensor forward(Tensor tokenIds) => _logits.unsqueeze(0).expand(tokenIds.shape[0], -1);

        protected override void RegisterComponents()
        {
        }
    }
}
