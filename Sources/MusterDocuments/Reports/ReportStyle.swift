/// The one style sheet: readable on a phone, in the dark and on paper. No inline styles anywhere, because the
/// policy of the file forbids them.
let reportStyle = """
    :root { color-scheme: light dark;
      --text: #1c2128; --soft: #57606a; --line: #d0d7de; --page: #ffffff; --panel: #f6f8fa;
      --good: #1a7f37; --bad: #cf222e; --doubt: #9a6700; --slow: #d4a72c; --none: #d8dee4;
      --fault: #cf222e22; --mark: #fff3b0; --accent: #0969da; --band: #0969da55; }
    @media (prefers-color-scheme: dark) { :root {
      --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --page: #0d1117; --panel: #161b22;
      --good: #3fb950; --bad: #f85149; --doubt: #d29922; --slow: #d4a72c; --none: #30363d;
      --fault: #f8514933; --mark: #4b3f00; --accent: #58a6ff; --band: #58a6ff66; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--text);
      font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
    main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
    h1 { font-size: 1.75rem; line-height: 1.25; margin: .5rem 0 1rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem;
      border-bottom: 1px solid var(--line); }
    h3 { font-size: 1.02rem; margin: 1.5rem 0 .5rem; }
    p, ul { margin: .6rem 0; overflow-wrap: anywhere; }
    ul { padding-left: 1.3rem; }
    code, pre { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
    code { background: var(--panel); padding: .1em .3em; border-radius: 4px; overflow-wrap: anywhere; }
    pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem;
      overflow-x: auto; }
    pre code { background: none; padding: 0; overflow-wrap: normal; }
    .table { overflow-x: auto; margin: .75rem 0; }
    table { border-collapse: collapse; width: 100%; font-size: .9rem; }
    .wide { min-width: 52rem; }
    th { text-align: left; color: var(--soft); font-weight: 600; white-space: nowrap; }
    th, td { padding: .38rem .7rem .38rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    .moment { white-space: nowrap; font-variant-numeric: tabular-nums; }
    .badge { display: inline-block; padding: 0 .55em; border-radius: 4px; font-weight: 700;
      border: 1.5px solid currentColor; white-space: nowrap; }
    .good { color: var(--good); } .bad { color: var(--bad); } .doubtful { color: var(--doubt); }
    .neutral { color: var(--soft); }
    .alarm { border-left: 4px solid var(--bad); background: var(--fault); padding: .6rem .9rem; }
    .notice { border-left: 4px solid var(--doubt); background: var(--panel); padding: .6rem .9rem; }
    mark { background: var(--mark); color: inherit; padding: 0 .2em; border-radius: 3px; }
    figure { margin: .75rem 0; overflow-x: auto; }
    svg { display: block; width: 100%; min-width: 40rem; height: auto; }
    svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
    svg .name { fill: var(--text); font-weight: 600; }
    svg .up { fill: var(--good); } svg .slow { fill: var(--slow); } svg .down { fill: var(--bad); }
    svg .unknown { fill: var(--soft); } svg .silent { fill: var(--none); }
    svg .lost { fill: var(--bad); } svg .doubt { fill: var(--doubt); }
    svg .work { fill: var(--accent); }
    svg .fault { fill: var(--fault); } svg .moment { stroke: var(--bad); stroke-dasharray: 4 3; fill: none; }
    svg .mended { stroke: var(--good); stroke-dasharray: 4 3; fill: none; }
    svg .grid { stroke: var(--line); fill: none; }
    svg .failures { stroke: var(--bad); stroke-width: 1.6; fill: none; }
    svg .points { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; fill: none; }
    svg .band { stroke: var(--band); stroke-width: 2; fill: none; }
    svg .median { stroke: var(--accent); stroke-width: 1.6; fill: none; }
    @media print {
      :root { --text: #000; --soft: #444; --line: #bbb; --page: #fff; --panel: #f6f8fa; --good: #116329;
        --bad: #a40e26; --doubt: #7d4e00; --none: #ddd; --fault: #cf222e22; --mark: #fff3b0;
        --accent: #0550ae; --band: #0550ae55; }
      body { font-size: 10pt; } main { max-width: none; padding: 0; }
      pre { white-space: pre-wrap; overflow-wrap: anywhere; }
      .table, figure, pre { overflow: visible; } svg, .wide { min-width: 0; }
      h2, h3 { break-after: avoid; } tr, figure, .alarm { break-inside: avoid; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
    """
