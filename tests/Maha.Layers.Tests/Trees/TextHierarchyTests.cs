using Maha.Layers.Tests.Text;
using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Trees;

public class TextHierarchyTests
{
    private const string Text = "The dog sleeps. The fox does not!\n\nA second paragraph, with words. And more? Yes.";

    [Fact]
    public void Tokens_AreDescendantsOfTheirSentenceAndParagraph()
    {
        var tree = TextHierarchy.Encode(TokenizerSamples.Small, Text, out int[] ids)!;
        Assert.Equal(TokenizerSamples.Small.Encode(Text), ids);
        Assert.Equal([ids.Length, 5, 2, 1], Enumerable.Range(0, tree.Depth + 1).Select(tree.Count));
        string[] sentences =
            [.. Enumerable.Range(0, 5).Select(node => TokenizerSamples.Small.Decode(ids[tree.Children(1, node).Start..tree.Children(1, node).End]))];
        Assert.Equal(["The dog sleeps. ", "The fox does not!\n\n", "A second paragraph, with words. ", "And more? ", "Yes."], sentences);
        Assert.Equal((0, 2), tree.Children(2, 0));
    }

    [Fact]
    public void CutTokens_CutTheTree()
    {
        var tree = TextHierarchy.Encode(TokenizerSamples.Small, Text, out int[] ids, maxTokens: 12)!;
        Assert.Equal(12, ids.Length);
        Assert.Equal(12, tree.Length);
        Assert.Equal(1, tree.Count(tree.Depth));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void TextWithoutPunctuation_BecomesBlocks(int maxBranching)
    {
        string text = string.Concat(Enumerable.Repeat("the other thing ", 60));
        var tree = TextHierarchy.Encode(TokenizerSamples.Small, text, out int[] ids, maxBranching: maxBranching)!;
        Assert.Equal(ids.Length, tree.Length);
        Assert.True(LargestFamily(tree) <= maxBranching);
        Assert.Equal((ids.Length + maxBranching - 1) / maxBranching, tree.Count(1));
    }

    [Fact]
    public void TextWithoutTokens_HasNoTree() => Assert.Null(TextHierarchy.Encode(TokenizerSamples.Small, "", out _));

    [Fact]
    public void Trees_HoldAllTokensInSmallFamilies_ForAnyText() => HostileText.Check(text =>
    {
        foreach (int maxBranching in new[] { 2, 7, TextHierarchy.DefaultMaxBranching })
        {
            var tree = TextHierarchy.Encode(TokenizerSamples.Small, text, out int[] ids, maxBranching: maxBranching);
            Assert.Equal(ids.Length, tree?.Length ?? 0);
            Assert.True(tree is null || (LargestFamily(tree) <= maxBranching && tree.Count(tree.Depth) == 1));
        }
    });

    [Theory]
    [InlineData("one number more", 0)]
    [InlineData("must rise", 0, 3, 2)]
    [InlineData("must rise", -1, 3)]
    [InlineData("must rise", 0, 99)]
    public void InvalidOffsets_AreRefused(string message, params int[] offsets) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => TextHierarchy.FromOffsets("text", offsets)).Message, StringComparison.Ordinal);

    private static int LargestFamily(TokenHierarchy tree) =>
        Enumerable.Range(1, tree.Depth)
            .Max(level => Enumerable.Range(0, tree.Count(level)).Max(node => tree.Children(level, node).End - tree.Children(level, node).Start));
}
