namespace Maha.Layers.Text;

/// <content>Documents that may have several labels.</content>
internal sealed partial class NGramTrainer
{
    private NGramFit FitSets(LabelSets sets, IReadOnlyList<int> validating)
    {
        var (vocabulary, contents) = LearnVocabulary([.. Enumerable.Range(0, _documents.Count)]);
        var trainer = new LabelScorerTrainer(new IndexedDocuments(this, vocabulary), sets, _weights, _numClasses, _seed, _parallel);
        var fit = trainer.Fit(StackFolds.Choose(contents, _labels, _weights, validating, _seed, trainer.EnoughDocuments));
        // A document whose rarest label is in no other fold has no held-out score: its logits are those of the prior.
        double[] prior = trainer.LogOdds();
        return new NGramFit(
            new NGramClassifier(vocabulary, fit.Scorer, RepeatedTexts.None), row => fit.HeldOutLogits(row) ?? prior, contents, _weights, _documents.Count);
    }

    private NGramScorer FitSetsWithoutFolds(LabelSets sets, NGramVocabulary vocabulary, int[] rows) =>
        new LabelScorerTrainer(new IndexedDocuments(this, vocabulary), sets, _weights, _numClasses, _seed, _parallel).FitWithoutFolds(rows);
}
