using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

[Collection(FittedCollection.Name)]
public class ThreadingTests(FittedModels fitted)
{
    private const int NumThreads = 8;

    [Fact]
    public void EightThreads_PredictAsOneThread()
    {
        var documents = Toys.Documents(40, seed: 6);
        var expected = fitted.Predict([.. documents.Select(document => document.Text)]);
        InThreads(thread =>
        {
            using var engine = fitted.MLContext.Model.CreatePredictionEngine<Document, Prediction>(fitted.Chain,
                new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = 0; i < documents.Count; i++)
            {
                int at = (i + 5 * thread) % documents.Count;
                var prediction = engine.Predict(documents[at]);
                Assert.Equal(expected[at].Label, prediction.Label);
                Assert.Equal(expected[at].Score!, prediction.Score!, Rows.AreAlike);
            }
        });
    }

    [Fact]
    public void AnEngineThatDisposedTheModel_IsNamed_WithTheRemedy()
    {
        using var stream = new MemoryStream(fitted.Zip);
        var model = new MLContext().Model.Load(stream, out _);
        using (var engine = fitted.MLContext.Model.CreatePredictionEngine<Document, Prediction>(model))
            engine.Predict(new Document { Text = "cat" });
        using var second = fitted.MLContext.Model.CreatePredictionEngine<Document, Prediction>(model);
        var e = Failures.Root(Record.Exception(() => second.Predict(new Document { Text = "cat" })));
        Assert.IsType<ObjectDisposedException>(e);
        Assert.Contains("PredictionEngineOptions.OwnsTransformer = false", e.Message, StringComparison.Ordinal);
        Assert.Contains("The Maha classifier", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EightThreads_ReadViewsOverOneTransformer()
    {
        var data = fitted.MLContext.Data.LoadFromEnumerable(Toys.Verdicts(20, seed: 6));
        var expected = Rows.Of(fitted.Binary.Transform(data));
        var shared = fitted.Binary.Transform(data);
        InThreads(thread => Assert.Equal(expected, Rows.Of(thread % 2 == 0 ? shared : fitted.Binary.Transform(data))));
    }

    [Fact]
    public void DisposingWhileOthersPredict_GivesScoresOrObjectDisposed_NeverACrash()
    {
        using var stream = new MemoryStream(fitted.Zip);
        var model = new MLContext().Model.Load(stream, out _);
        var expected = Rows.Of(fitted.Chain.Transform(fitted.Training));
        using var started = new CountdownEvent(NumThreads);
        int ended = 0;
        var threads = Run(thread =>
        {
            started.Signal();
            while (true)
            {
                try
                {
                    Assert.Equal(expected, Rows.Of(model.Transform(fitted.Training)));
                }
                catch (Exception e) when (Failures.IsDisposed(e))
                {
                    Interlocked.Increment(ref ended);
                    return;
                }
            }
        });
        started.Wait();
        Thread.Sleep(30);
        ((IDisposable)model).Dispose();
        Join(threads);
        Assert.Equal(NumThreads, ended);
    }

    private static void InThreads(Action<int> action) => Join(Run(action));

    private static List<(Thread Thread, Func<Exception?> Failure)> Run(Action<int> action)
    {
        var threads = new List<(Thread, Func<Exception?>)>();
        for (int i = 0; i < NumThreads; i++)
        {
            int number = i;
            Exception? failure = null;
            var thread = new Thread(() =>
            {
                try
                {
                    action(number);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            });
            thread.Start();
            threads.Add((thread, () => failure));
        }
        return threads;
    }

    private static void Join(List<(Thread Thread, Func<Exception?> Failure)> threads)
    {
        foreach (var (thread, _) in threads)
            thread.Join();
        Assert.All(threads, pair => Assert.Null(pair.Failure()));
    }
}
