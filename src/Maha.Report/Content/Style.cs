namespace Maha.Report.Content;

/// <summary>The style of a report, light and dark.</summary>
internal static class Style
{
    public const string Value = """
        :root {
          --page: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --muted: #5d6672; --line: #dfe3e8;
          --first: #2563c9; --second: #c2560c; --third: #2b8a3e; --fourth: #8e44ad; --for: #2f9e44; --against: #e03131; --read: #2563c9;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171b; --card: #1d2127; --ink: #e8eaed; --muted: #a0a8b3; --line: #343a43;
            --first: #74a7ff; --second: #ffa057; --third: #69db7c; --fourth: #d0a2f7; --for: #51cf66; --against: #ff8787; --read: #74a7ff;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%; }
        body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
        h1 { font-size: 28px; line-height: 1.2; margin: 8px 0; overflow-wrap: anywhere; }
        h2 { font-size: 20px; margin: 40px 0 8px; padding-top: 16px; border-top: 1px solid var(--line); }
        h3 { font-size: 16px; margin: 20px 0 6px; }
        h4 { font-size: 14px; margin: 0 0 6px; overflow-wrap: anywhere; }
        .muted, .note, figcaption { color: var(--muted); }
        .note { font-size: 14px; margin: 4px 0 12px; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 16px 0 0; }
        .tiles div { background: var(--card); border-radius: 8px; padding: 12px 14px; }
        .tiles dt { color: var(--muted); font-size: 13px; }
        .tiles dd { margin: 0; font-size: 26px; font-weight: 600; font-variant-numeric: tabular-nums; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 16px; }
        figure { margin: 0; background: var(--card); border-radius: 8px; padding: 12px 14px; min-width: 0; }
        figcaption { font-size: 14px; margin-bottom: 6px; }
        .key { white-space: nowrap; margin-left: 10px; font-size: 13px; }
        .key i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 5px; vertical-align: middle; }
        svg { display: block; width: 100%; height: auto; max-width: 620px; margin: 0 auto; }
        svg text { fill: var(--muted); font-size: 13px; }
        .scroll { overflow-x: auto; margin: 8px 0 16px; }
        table { border-collapse: collapse; font-size: 14px; }
        th { font-weight: 500; text-align: left; }
        th, td { padding: 4px 9px; border-bottom: 1px solid var(--line); vertical-align: top; }
        thead th { color: var(--muted); vertical-align: bottom; }
        .n { text-align: right; font-variant-numeric: tabular-nums; }
        .tables { display: flex; flex-wrap: wrap; gap: 8px 40px; align-items: flex-end; }
        .tables .scroll { max-width: 100%; }
        .scroll th { max-width: 220px; overflow-wrap: break-word; }
        .confusion tbody th, .confusion thead th:first-child { position: sticky; left: 0; background: var(--page); }
        .confusion .c { text-align: right; padding: 4px 6px; }
        .confusion .c span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 160px; overflow-wrap: break-word; display: inline-block; }
        .confusion td { min-width: 40px; border: 1px solid var(--line); }
        .right { background: color-mix(in srgb, var(--for) var(--a), transparent); }
        .wrong { background: color-mix(in srgb, var(--against) var(--a), transparent); }
        article { background: var(--card); border-radius: 8px; padding: 12px 14px; margin: 0 0 12px; }
        .text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: 14px; }
        mark { color: var(--ink); border-radius: 3px; }
        mark.for { background: color-mix(in srgb, var(--for) var(--a), transparent); }
        mark.against { background: color-mix(in srgb, var(--against) var(--a), transparent); }
        mark.read { background: color-mix(in srgb, var(--read) var(--a), transparent); }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 12px; }
        .card { background: var(--card); border-radius: 8px; padding: 4px 14px 12px; min-width: 0; }
        .facts { width: 100%; table-layout: fixed; }
        .facts th { color: var(--muted); width: 42%; padding-left: 0; }
        .facts td, .facts th { overflow-wrap: anywhere; }
        details { margin: 12px 0; }
        summary { cursor: pointer; font-weight: 600; margin-bottom: 8px; }
        pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border-radius: 8px; padding: 12px 14px; font-size: 13px; }
        @media print { body { font-size: 12px; } article, figure, .card { break-inside: avoid; } }
        """;
}
