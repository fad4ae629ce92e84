using System.Text;
using System.Text.RegularExpressions;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Maha.Report.Charts;

/// <summary>A chart as an SVG element of a page, which follows the page's colors and font.</summary>
/// <remarks>
/// ScottPlot draws the lines, bars and points. The text is written here: ScottPlot leaves out text where the system has no fonts, as on a bare server, and
/// measures it with a font that the reader's browser may not have.
/// </remarks>
internal sealed partial class Chart
{
    private const int Width = 460;
    private const int Height = 290;
    private const int Left = 66;
    private const int Right = 26;
    private const int Top = 10;
    private const int Bottom = 46;

    // Colors that stand for those of the page, which a drawing cannot name.
    private const string AxisColor = "#0A0B0C";
    private const string GridColor = "#0A0B0D";

    private static readonly (string Drawn, string OnPage)[] s_colors =
    [
        (AxisColor, "var(--muted)"), (GridColor, "var(--line)"), ("#0A0B10", "var(--first)"), ("#0A0B11", "var(--second)"), ("#0A0B12", "var(--third)"),
        ("#0A0B13", "var(--fourth)"),
    ];

    private readonly Plot _plot = new();
    private readonly string _id;
    private readonly List<(string Name, string Color)> _legend = [];
    private string _below = "";
    private string _beside = "";

    /// <summary>Creates an empty chart.</summary>
    /// <param name="id">A name that no other chart of the page has: letters and digits.</param>
    public Chart(string id)
    {
        _id = id;
        _plot.FigureBackground.Color = Colors.Transparent;
        _plot.DataBackground.Color = Colors.Transparent;
        _plot.Axes.Color(Color.FromHex(AxisColor));
        _plot.Grid.MajorLineColor = Color.FromHex(GridColor);
        _plot.Axes.Right.IsVisible = _plot.Axes.Top.IsVisible = false;
        _plot.Axes.Bottom.TickLabelStyle.IsVisible = _plot.Axes.Left.TickLabelStyle.IsVisible = false;
        _plot.Layout.Fixed(new PixelPadding(Left, Right, Bottom, Top));
    }

    /// <summary>Sets the horizontal axis.</summary>
    public Chart X(string title, double min, double max, params IEnumerable<(double Place, string Label)> ticks)
    {
        _below = title;
        _plot.Axes.SetLimitsX(min, max);
        _plot.Axes.Bottom.TickGenerator = Ticks(ticks);
        return this;
    }

    /// <summary>Sets the vertical axis.</summary>
    public Chart Y(string title, double min, double max, params IEnumerable<(double Place, string Label)> ticks)
    {
        _beside = title;
        _plot.Axes.SetLimitsY(min, max);
        _plot.Axes.Left.TickGenerator = Ticks(ticks);
        return this;
    }

    /// <summary>Adds a line through points.</summary>
    /// <param name="name">What it shows, for the legend; null to leave it out.</param>
    /// <param name="color">The number of a color of the page, from 0 to 3; -1 for the color of the axes.</param>
    /// <param name="points">The points.</param>
    /// <param name="hasMarkers">Whether every point has a marker.</param>
    /// <param name="isDashed">Whether the line is dashed.</param>
    public Chart Line(string? name, int color, IEnumerable<(double X, double Y)> points, bool hasMarkers = false, bool isDashed = false)
    {
        var (xs, ys) = (points.Select(point => point.X).ToArray(), points.Select(point => point.Y).ToArray());
        var line = _plot.Add.Scatter(xs, ys, ColorOf(color));
        line.LineWidth = 2;
        line.MarkerSize = hasMarkers ? 7 : 0;
        line.LinePattern = isDashed ? LinePattern.Dashed : LinePattern.Solid;
        return Named(name, color);
    }

    /// <summary>Adds bars, each around its place.</summary>
    public Chart Bars(string? name, int color, IEnumerable<(double X, double Height)> bars, double width)
    {
        foreach (var (x, height) in bars)
        {
            var bar = _plot.Add.Bar(x, height);
            bar.Color = ColorOf(color);
            bar.Bars.ForEach(one => (one.Size, one.LineWidth) = (width, 0));
        }
        return Named(name, color);
    }

    /// <summary>Adds a vertical line at each place, from a low value to a high one.</summary>
    public Chart Ranges(int color, IEnumerable<(double X, double Low, double High)> ranges)
    {
        foreach (var (x, low, high) in ranges)
        {
            var line = _plot.Add.Scatter([x, x], new[] { low, high }, ColorOf(color));
            (line.LineWidth, line.MarkerSize) = (2, 0);
        }
        return this;
    }

    /// <summary>Returns the chart as a figure with its title and its legend.</summary>
    public string ToFigure(string title)
    {
        string drawing = _plot.GetSvgXml(Width, Height);
        drawing = drawing[drawing.IndexOf("<svg", StringComparison.Ordinal)..];
        drawing = drawing[(drawing.IndexOf('>', StringComparison.Ordinal) + 1)..drawing.LastIndexOf("</svg>", StringComparison.Ordinal)];
        foreach (var (drawn, onPage) in s_colors)
            drawing = drawing.Replace(drawn, onPage, StringComparison.OrdinalIgnoreCase);
        // The charts of a page have one space of names, and the names must not depend on what was drawn before.
        var clips = new Dictionary<string, int>();
        drawing = ClipName().Replace(drawing, match =>
        {
            clips.TryAdd(match.Value, clips.Count);
            return $"{_id}-{clips[match.Value]}";
        });
        drawing = Space().Replace(drawing, "><");
        var figure = new StringBuilder($"<figure><figcaption>{Html.Escape(title)}");
        foreach (var (name, color) in _legend)
            figure.Append($" <span class=\"key\"><i style=\"background:{color}\"></i>{Html.Escape(name)}</span>");
        figure.Append($"</figcaption><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Html.Escape(title)}\">").Append(drawing);
        AddText(figure);
        return figure.Append("</svg></figure>").ToString();
    }

    private void AddText(StringBuilder figure)
    {
        foreach (var tick in _plot.Axes.Bottom.TickGenerator.Ticks.Where(tick => tick.IsMajor && tick.Label.Length > 0))
            Add(_plot.GetPixel(new Coordinates(tick.Position, 0)).X, Height - Bottom + 18, "middle", tick.Label);
        foreach (var tick in _plot.Axes.Left.TickGenerator.Ticks.Where(tick => tick.IsMajor && tick.Label.Length > 0))
            Add(Left - 7, _plot.GetPixel(new Coordinates(0, tick.Position)).Y + 4, "end", tick.Label);
        Add(Left + ((Width - Left - Right) / 2f), Height - 6, "middle", _below);
        float middle = Top + ((Height - Top - Bottom) / 2f);
        Write(FormattableString.Invariant($"transform=\"translate(12 {middle:F1}) rotate(-90)\" text-anchor=\"middle\""), _beside);

        void Add(float x, float y, string anchor, string text) => Write(FormattableString.Invariant($"x=\"{x:F1}\" y=\"{y:F1}\" text-anchor=\"{anchor}\""), text);

        void Write(string place, string text) => figure.Append($"<text {place}>").Append(Html.Escape(text)).Append("</text>");
    }

    private Chart Named(string? name, int color)
    {
        if (name is not null)
            _legend.Add((name, s_colors[IndexOf(color)].OnPage));
        return this;
    }

    private static Color ColorOf(int color) => Color.FromHex(s_colors[IndexOf(color)].Drawn);

    // The colors of the axes and of the grid come first.
    private static int IndexOf(int color) => color < 0 ? 0 : color + 2;

    private static NumericManual Ticks(IEnumerable<(double Place, string Label)> ticks) =>
        new([.. ticks.Select(tick => tick.Place)], [.. ticks.Select(tick => tick.Label)]);

    [GeneratedRegex(@"\bcl_\w+")]
    private static partial Regex ClipName();

    [GeneratedRegex(@">\s+<")]
    private static partial Regex Space();
}
