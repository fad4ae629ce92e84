using Maha.Layers.Tests.Text;
using Maha.Layers.Text;
using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Trees;

public class TokenPartsTests
{
    private static readonly ByteLevelBpeTokenizer s_tokenizer = TokenizerSamples.Small;
    private static readonly byte[] s_parts = TokenParts.FromTokenizer(s_tokenizer);

    [Theory]
    [InlineData("The dog sleeps. The fox does not!\n\nA second paragraph, with words. And more? Yes.")]
    [InlineData("One 3.14 two. Three")]
    [InlineData("He said \"go!\" Then\r\n\r\nhe went")]
    [InlineData("no marks")]
    [InlineData("\n\n. . .")]
    public void TreeOfTheIds_IsThatOfTheText(string text)
    {
        var expected = TextHierarchy.Encode(s_tokenizer, text, out int[] ids)!;
        var tree = TokenParts.BuildTree([.. ids.Select(id => (long)id)], s_parts);
        Assert.Equal(expected.Depth, tree.Depth);
        for (int level = 1; level <= tree.Depth; level++)
            Assert.Equal(Families(expected, level), Families(tree, level));
    }

    [Fact]
    public void Trees_HoldAllTokensInSmallFamilies_ForAnyText() => HostileText.Check(text =>
    {
        long[] ids = [.. s_tokenizer.Encode(text).Select(id => (long)id)];
        if (ids.Length == 0)
            return;
        var tree = TokenParts.BuildTree(ids, s_parts, maxBranching: 5);
        Assert.Equal(ids.Length, tree.Length);
        Assert.All(Enumerable.Range(1, tree.Depth).SelectMany(level => Families(tree, level)), family => Assert.InRange(family.End - family.Start, 1, 5));
    });

    [Fact]
    public void IdsOutsideTheVocabulary_AreRefused()
    {
        Assert.Contains("must lie in",
            Assert.Throws<ArgumentException>(() => TokenParts.BuildTree([s_tokenizer.VocabSize], s_parts)).Message, StringComparison.Ordinal);
        Assert.Contains("at least one", Assert.Throws<ArgumentException>(() => TokenParts.BuildTree([], s_parts)).Message, StringComparison.Ordinal);
    }

    private static (int Start, int End)[] Families(TokenHierarchy tree, int level)
        => [.. Enumerable.Range(0, tree.Count(level)).Select(node => tree.Children(level, node))];
}
