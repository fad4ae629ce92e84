using System.Text.RegularExpressions;
using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using Maha.Layers.Tests.Reference;
using Maha.Layers.Trees;

namespace Maha.Layers.Tests.Attention;

/// <summary>The tables that the CUDA kernels read. The kernels themselves are checked on a device.</summary>
public sealed partial class ForestTablesTests
{
    private const int N = 50;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Nodes_AreThoseOfTheTrees(int seed)
    {
        var trees = Trees(seed);
        var tables = new ForestTables(trees, N, HierarchicalForm.Optimal);
        Assert.Equal(trees.Sum(tree => tree is null ? 0 : Enumerable.Range(1, tree.Depth).Sum(tree.Count)), tables.NodeCount);
        for (int document = 0; document < trees.Length; document++)
        {
            for (int level = 1; level <= tables.Depth; level++)
            {
                var (first, count) = Level(tables, document, level);
                bool exists = trees[document] is { } known && level <= known.Depth;
                Assert.Equal(exists ? trees[document]!.Count(level) : 0, count);
                for (int i = 0; i < count; i++)
                {
                    var tree = trees[document]!;
                    var (start, end) = tree.Children(level, i);
                    int[] node = Node(tables, first + i);
                    Assert.Equal((level == 1 ? document * N : Level(tables, document, level - 1).First) + start, node[0]);
                    Assert.Equal(end - start, node[1]);
                    Assert.Equal(level == tree.Depth, node[2] < 0);
                    if (level > 1)
                        Assert.All(Enumerable.Range(node[0], node[1]), child => Assert.Equal(first + i, Node(tables, child)[2]));
                    var (firstToken, endToken) = Tokens(tree, level, i);
                    Assert.Equal(endToken - firstToken, node[3]);
                    Assert.Equal((level * 4) + (i > 0 ? 1 : 0) + (i < count - 1 ? 2 : 0), node[4]);
                    Assert.Equal((document * N) + firstToken, Node(tables, node[5])[0]);
                    int[] last = Node(tables, node[5] + node[6] - 1);
                    Assert.Equal((document * N) + endToken, last[0] + last[1]);
                }
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Tiles_HoldEveryRowOnce(int seed)
    {
        var trees = Trees(seed);
        var tables = new ForestTables(trees, N, HierarchicalForm.Optimal);
        int[] rows = new int[trees.Length * N];
        for (int tile = 0; tile < tables.Tiles.Count / 4; tile++)
        {
            var (node, row, count, offset) = (tables.Tiles[4 * tile], tables.Tiles[(4 * tile) + 1], tables.Tiles[(4 * tile) + 2], tables.Tiles[(4 * tile) + 3]);
            Assert.InRange(count, 1, ForestTables.TileSize);
            for (int i = row; i < row + count; i++)
            {
                rows[i]++;
                Assert.Equal(node < 0, i % N >= (trees[i / N]?.Length ?? 0));
            }
            if (node < 0)
                continue;
            int[] family = Node(tables, node);
            Assert.Equal(family[0] + offset, row);
            Assert.Equal(offset, (tile - family[7]) * ForestTables.TileSize);
        }
        Assert.All(rows, count => Assert.Equal(1, count));
    }

    [Theory]
    [InlineData("KeyTied")]
    [InlineData("Causal")]
    [InlineData("CausalOverlap")]
    public void Tasks_HoldEveryTokenThatSeesANodeOnce(string name)
    {
        var form = Enum.Parse<HierarchicalForm>(name);
        for (int seed = 0; seed < 10; seed++)
        {
            var trees = Trees(seed);
            var tables = new ForestTables(trees, N, form);
            for (int document = 0; document < trees.Length; document++)
            {
                for (int level = 1; level < (trees[document]?.Depth ?? 0); level++)
                    CheckTasks(tables, trees[document]!, document, level, form);
            }
        }
    }

    [Fact]
    public void TheOptimalForm_HasNoTasks()
    {
        var tables = new ForestTables(Trees(1), N, HierarchicalForm.Optimal);
        Assert.Empty(tables.Tasks);
        Assert.Empty(tables.NodeTasks);
    }

    [Fact]
    public void TreeCall_HasTheFieldsOfTheSource()
    {
        string text = CudaSources.Read("tree_call.cuh");
        int start = text.IndexOf("struct TreeCall", StringComparison.Ordinal), end = text.IndexOf("int width() const", StringComparison.Ordinal);
        var declarations = Declaration().Matches(text[start..end]);
        string[] expected = [.. declarations.Select(match => $"{Type(match.Groups[1].Value)} {match.Groups[2].Value.ToUpperInvariant()}")];
        var fields = typeof(TreeCall).GetFields().OrderBy(field => field.MetadataToken);
        string[] actual = [.. fields.Select(field => $"{field.FieldType.Name} {field.Name.ToUpperInvariant()}")];
        Assert.Equal(expected, actual);

        static string Type(string declared) => declared.EndsWith('*')
            ? nameof(IntPtr)
            : declared switch { "int" => nameof(Int32), "float" => nameof(Single), "long long" => nameof(Int64), _ => declared };
    }

    // Every token that sees a node of the level is in exactly one of the node's tasks, and no task names a node of another family.
    private static void CheckTasks(ForestTables tables, TokenHierarchy tree, int document, int level, HierarchicalForm form)
    {
        int first = Level(tables, document, level).First;
        for (int i = 0; i < tree.Count(level); i++)
        {
            int[] times = new int[tree.Length];
            int firstTask = tables.NodeTasks[2 * (first + i)], taskCount = tables.NodeTasks[(2 * (first + i)) + 1];
            for (int task = firstTask; task < firstTask + taskCount; task++)
            {
                Assert.InRange(first + i - tables.Tasks[4 * task], 0, tables.Tasks[(4 * task) + 1] - 1);
                for (int tile = tables.Tasks[(4 * task) + 2]; tile < tables.Tasks[(4 * task) + 2] + tables.Tasks[(4 * task) + 3]; tile++)
                {
                    for (int row = tables.Tiles[(4 * tile) + 1]; row < tables.Tiles[(4 * tile) + 1] + tables.Tiles[(4 * tile) + 2]; row++)
                        times[row - (document * N)]++;
                }
            }
            for (int own = 0; own < tree.Count(level); own++)
            {
                if (!Sees(tree, level, own, i, form))
                    continue;
                var (start, end) = Tokens(tree, level, own);
                Assert.All(times[start..end], count => Assert.Equal(1, count));
            }
            Assert.All(times, count => Assert.InRange(count, 0, 1));
        }
    }

    // By the definition of the forms: siblings, or with overlap also the family before, but not the node just before.
    private static bool Sees(TokenHierarchy tree, int level, int own, int column, HierarchicalForm form)
    {
        int ownParent = Parent(own), columnParent = Parent(column);
        return form switch
        {
            HierarchicalForm.KeyTied => ownParent == columnParent && own != column,
            HierarchicalForm.Causal => ownParent == columnParent && column < own,
            _ => (columnParent == ownParent || columnParent == ownParent - 1) && column < own - 1,
        };

        int Parent(int node) => Enumerable.Range(0, tree.Count(level + 1))
            .Single(parent => tree.Children(level + 1, parent) is var (start, end) && node >= start && node < end);
    }

    private static (int Start, int End) Tokens(TokenHierarchy tree, int level, int node)
    {
        var (start, end) = tree.Children(level, node);
        return level == 1 ? (start, end) : (Tokens(tree, level - 1, start).Start, Tokens(tree, level - 1, end - 1).End);
    }

    private static (int First, int Count) Level(ForestTables tables, int document, int level)
    {
        int place = ((document * tables.Depth) + level - 1) * 2;
        return (tables.Documents[place], tables.Documents[place + 1]);
    }

    private static int[] Node(ForestTables tables, int node) => tables.Nodes.Slice(8 * node, 8).ToArray();

    // A document without tokens, one of a single token, trees of blocks and others.
    private static TokenHierarchy?[] Trees(int seed)
    {
        var random = new Random(seed);
        return
        [
            TokenHierarchy.FromTree(TreeProblem.RandomTree(random, 0, N, 4)), null, TokenHierarchy.Blocks(1, 4), TokenHierarchy.Blocks(1 + random.Next(N), 3),
            TokenHierarchy.Blocks(40, 40), TokenHierarchy.FromTree(TreeProblem.RandomTree(random, 0, 1 + random.Next(N), 6)),
        ];
    }

    [GeneratedRegex(@"^    (?:const )?((?:long long|\w+)\*?) (\w+);", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
