using System.Reflection;
using Maha.Layers.Training;
using Microsoft.ML;

namespace Maha.MLNet.Tests.MultiLabel;

/// <summary>The pass that collects the labels of a text column belongs to the training: it is canceled and timed with it.</summary>
public sealed class LabelReadingTests
{
    private readonly MLContext _mlContext = new(1);

    [Theory]
    [InlineData("context", CancellationBehavior.Throw)]
    [InlineData("context", CancellationBehavior.KeepBest)]
    [InlineData("token", CancellationBehavior.Throw)]
    [InlineData("token", CancellationBehavior.KeepBest)]
    public void CancelWhileTheLabelsAreRead_Throws_AtTheNextRow(string canceled, CancellationBehavior behavior)
    {
        using var source = new CancellationTokenSource();
        // An AutoML experiment does this when its time is over; in ML.NET the member is internal.
        var cancel = typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
        int read = 0;
        IEnumerable<Tagged> Read()
        {
            foreach (var row in LabelToys.Rows(1000))
            {
                if (++read == 5 && canceled == "token")
                    source.Cancel();
                else if (read == 5)
                    cancel.Invoke(_mlContext, null);
                yield return row;
            }
        }
        var trainer = LabelToys.Trainer(_mlContext, o => (o.CancellationToken, o.CancellationBehavior) = (source.Token, behavior));
        var refusal = Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(_mlContext.Data.LoadFromEnumerable(Read())));
        Assert.InRange(read, 5, 6);
        if (behavior == CancellationBehavior.KeepBest)
            Assert.Contains("there is no model yet that KeepBest could keep", refusal.Message);
    }

    [Fact]
    public void TheTimeOfTheLabels_CountsTowardMaxTrainingTime()
    {
        int pass = 0;
        IEnumerable<Tagged> Read()
        {
            pass++;
            int read = 0;
            foreach (var row in LabelToys.Rows(40))
            {
                // Half of the limit is over when the labels are read, and documents are read for half a second at least.
                if (++read == 5 && pass != 2)
                    Thread.Sleep(TimeSpan.FromSeconds(pass == 1 ? 2.1 : 0.6));
                yield return row;
            }
        }
        var warnings = Warnings.Of(_mlContext);
        var trainer = LabelToys.Trainer(_mlContext, o => (o.NGrams, o.MaxTrainingTime) = (true, TimeSpan.FromSeconds(4)));
        trainer.Fit(_mlContext.Data.LoadFromEnumerable(Read())).Dispose();
        const string expected = "Half of MaxTrainingTime (00:00:04) was over when 5 documents had been read";
        Assert.Contains(warnings, warning => warning.StartsWith(expected, StringComparison.Ordinal));
    }
}
