using Maha.Layers.Tests.Reference;
using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Trees;

public class TokenHierarchyTests
{
    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(2, 2, 1)]
    [InlineData(3, 2, 2)]
    [InlineData(17, 4, 3)]
    [InlineData(4096, 16, 3)]
    [InlineData(4097, 16, 4)]
    public void Blocks_HoldBNodesEach_ExceptTheLast(int length, int branching, int depth)
    {
        var tree = TokenHierarchy.Blocks(length, branching);
        Assert.Equal(depth, tree.Depth);
        Assert.Equal(length, tree.Length);
        for (int level = 1; level <= depth; level++)
        {
            Assert.Equal((tree.Count(level - 1) + branching - 1) / branching, tree.Count(level));
            for (int node = 0; node < tree.Count(level); node++)
            {
                Assert.Equal(Math.Min(branching, tree.Count(level - 1) - (node * branching)),
                    tree.Children(level, node).End - tree.Children(level, node).Start);
            }
        }
        Assert.Equal(1, tree.Count(depth));
    }

    [Fact]
    public void Ends_MakeSentencesAndParagraphs()
    {
        var tree = TokenHierarchy.FromEnds(9, [2, 5, 6], [5]); // the last sentence and paragraph end with the document
        Assert.Equal([9, 4, 2, 1], Enumerable.Range(0, tree.Depth + 1).Select(tree.Count));
        Assert.Equal((0, 2), tree.Children(1, 0));
        Assert.Equal((6, 9), tree.Children(1, 3));
        Assert.Equal((2, 4), tree.Children(2, 1));
    }

    [Fact]
    public void NoEnds_MakeOneFamily() => Assert.Equal((0, 5), TokenHierarchy.FromEnds(5).Children(1, 0));

    [Fact]
    public void SpecialTokens_AreChildrenOfTheRoot()
    {
        var tree = TokenHierarchy.FromEnds(4, [2]).WithSpecialTokens(1, 2);
        Assert.Equal([7, 5, 1], Enumerable.Range(0, tree.Depth + 1).Select(tree.Count));
        Assert.Equal([(0, 1), (1, 3), (3, 5), (5, 6), (6, 7)], Enumerable.Range(0, 5).Select(node => tree.Children(1, node)));
    }

    [Fact]
    public void LeavesAtUnequalDepth_GetChains()
    {
        var root = new HierarchyNode(0, 3, [HierarchyNode.Leaf(0), HierarchyNode.FromTokens(1, 3)]);
        var tree = TokenHierarchy.FromTree(root);
        Assert.Equal([3, 2, 1], Enumerable.Range(0, 3).Select(tree.Count));
        Assert.Equal((0, 1), tree.Children(1, 0));
        Assert.Equal((1, 3), tree.Children(1, 1));
    }

    [Fact]
    public void ParentsAndSpans_MakeTheSameTree()
    {
        // 0 | (1 2) | 3 under the root 5, with node 4 above 1 and 2.
        var tree = TokenHierarchy.FromParents(4, [5, 4, 4, 5, 5, -1]);
        var same = TokenHierarchy.FromTree(new HierarchyNode(0, 4, [HierarchyNode.Leaf(0), HierarchyNode.FromTokens(1, 3), HierarchyNode.Leaf(3)]));
        Assert.Equal(same.Depth, tree.Depth);
        for (int level = 1; level <= tree.Depth; level++)
        {
            Assert.Equal(Enumerable.Range(0, same.Count(level)).Select(node => same.Children(level, node)),
                Enumerable.Range(0, tree.Count(level)).Select(node => tree.Children(level, node)));
        }
    }

    [Fact]
    public void RandomTrees_PartitionEveryLevel()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var tree = TokenHierarchy.FromTree(TreeProblem.Random(seed, masked: false).Root);
            for (int level = 1; level <= tree.Depth; level++)
            {
                int next = 0;
                for (int node = 0; node < tree.Count(level); node++)
                {
                    var (start, end) = tree.Children(level, node);
                    Assert.Equal(next, start);
                    Assert.True(end > start);
                    next = end;
                }
                Assert.Equal(tree.Count(level - 1), next);
            }
        }
    }

    [Fact]
    public void GapBetweenNodes_IsRefused()
        => Refused("gaps", () => TokenHierarchy.FromTree(new HierarchyNode(0, 3, [HierarchyNode.Leaf(0), HierarchyNode.Leaf(2)])));

    [Fact]
    public void OverlapOfNodes_IsRefused()
        => Refused("overlaps", () => TokenHierarchy.FromTree(new HierarchyNode(0, 3, [HierarchyNode.FromTokens(0, 2), HierarchyNode.FromTokens(1, 3)])));

    [Fact]
    public void ShortChildren_AreRefused()
        => Refused("must end with it", () => TokenHierarchy.FromTree(new HierarchyNode(0, 3, [HierarchyNode.FromTokens(0, 2)])));

    [Fact]
    public void EmptyNode_IsRefused()
        => Refused("is empty", () => TokenHierarchy.FromTree(new HierarchyNode(0, 1, [HierarchyNode.Leaf(0), new HierarchyNode(1, 1, [])])));

    [Fact]
    public void LeafOfSeveralTokens_IsRefused() => Refused("single token", () => TokenHierarchy.FromTree(new HierarchyNode(0, 2, [])));

    [Fact]
    public void CyclicTree_IsRefused()
    {
        var children = new List<HierarchyNode>();
        var node = new HierarchyNode(0, 1, children);
        children.Add(node);
        Refused("its own descendant", () => TokenHierarchy.FromTree(node));
    }

    [Theory]
    [InlineData("form a cycle", 0, 3, 4, 3, -1)]
    [InlineData("one root", 0, 3, 3, -1, -1)]
    [InlineData("one root", 0, 1, 1, 0, 0)]
    [InlineData("is empty", 0, 3, 3, -1, 3)]
    [InlineData("a node from 0 to 4", 0, 3, 9, -1, 3)]
    [InlineData("has no children", 0, 3, 0, -1, 3)]
    public void InvalidParents_AreRefused(string message, params int[] parents)
        => Refused(message, () => TokenHierarchy.FromParents(2, [.. parents.Skip(1).Prepend(3)]));

    [Fact]
    public void InterleavedParents_AreRefused() => Refused("without gaps", () => TokenHierarchy.FromParents(4, [4, 5, 4, 5, 6, 6, -1]));

    [Theory]
    [InlineData("must ascend", 3, 2)]
    [InlineData("must ascend", 0, 4)]
    [InlineData("must ascend", 4, 11)]
    public void InvalidEnds_AreRefused(string message, params int[] ends) => Refused(message, () => TokenHierarchy.FromEnds(10, ends));

    [Fact]
    public void ParagraphInsideASentence_IsRefused() => Refused("inside the finer part", () => TokenHierarchy.FromEnds(10, [4, 8], [6]));

    private static void Refused(string message, Func<TokenHierarchy> make)
        => Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(make).Message, StringComparison.Ordinal);
}
