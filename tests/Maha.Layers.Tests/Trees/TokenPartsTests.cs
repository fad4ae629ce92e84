using Maha.Layers.Tests.Text;
using Maha.Layers.Text;
using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Trees;

public class TokenPartsTests
{
    private static readonly ByteLevelBpeTokenizer Tokenizer = TokenizerSamples.Small;
    private static readonly byte[] Parts = TokenParts.Of(Tokenizer);

    [Theory]
    [InlineData("The dog sleeps. The fox does not!\n\nA second paragraph, with words. And more? Yes.")]
    [InlineData("One 3.14 two. Three")]
    [InlineData("He said \"go!\" Then\r\n\r\nhe went")]
    [InlineData("no marks")]
    [InlineData("\n\n. . .")]
    public void TreeOfTheIds_IsThatOfTheText(string text)
    {
        var expected = TextHierarchy.Encode(Tokenizer, text, out int[] ids)!;
        var tree = TokenParts.Tree([.. ids.Select(id => (long)id)], Parts);
        Assert.Equal(expected.Depth, tree.Depth);
        for (int level = 1; level <= tree.Depth; level++)
            Assert.Equal(Families(expected, level), Families(tree, level));
    }

    [Fact]
    public void TreesHoldAllTokensInSmallFamilies_WhateverTheText() => HostileText.Check(text =>
    {
        long[] ids = [.. Tokenizer.Encode(text).Select(id => (long)id)];
        if (ids.Length == 0)
            return;
        var tree = TokenParts.Tree(ids, Parts, maxBranching: 5);
        Assert.Equal(ids.Length, tree.Length);
        Assert.All(Enumerable.Range(1, tree.Depth).SelectMany(level => Families(tree, level)), family => Assert.InRange(family.End - family.Start, 1, 5));
    });

    [Fact]
    public void IdsOutsideTheVocabulary_AreRefused()
    {
        Assert.Contains("must lie in", Assert.Throws<ArgumentException>(() => TokenParts.Tree([Tokenizer.VocabSize], Parts)).Message, StringComparison.Ordinal);
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => TokenParts.Tree([], Parts)).Message, StringComparison.Ordinal);
    }

    private static (int Start, int End)[] Families(TokenHierarchy tree, int level) => [.. Enumerable.Range(0, tree.Count(level)).Select(node => tree.Children(level, node))];
}
