extension ReportPage {
    /// The page's looks: light or dark as the reader's system is, narrow or wide, on screen or paper.
    static let style: Markup = """

        :root {
          --paper: #fcfbf9; --raised: #ffffff; --ink: #20242b; --muted: #6a7079; --rule: #e4e1da;
          --s0: #1f6feb; --s1: #d9730d; --s2: #1a8a5a; --s3: #9b4dca; --s4: #c2334d; --s5: #0f8b8d;
          --late: #d9730d; --good: #1a7f4b; --bad: #c2334d; --shade: #8a8f9814;
          --p0: #1f6feb; --p1: #b8bec8; --p2: #d3d8df; --p3: #d9730d; --p4: #0f8b8d; --p5: #9b4dca;
          --p6: #7a4a2b; --p7: #c2334d; --p8: #9cc3f7;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --paper: #15171b; --raised: #1c1f25; --ink: #e3e5e8; --muted: #989fa9; --rule: #2f343c;
            --s0: #6cabff; --s1: #f2a65a; --s2: #57c590; --s3: #c792ea; --s4: #f27d8f; --s5: #53c8ca;
            --late: #f2a65a; --good: #57c590; --bad: #f27d8f; --shade: #aab2bf14;
            --p0: #6cabff; --p1: #767d88; --p2: #565c66; --p3: #f2a65a; --p4: #53c8ca; --p5: #c792ea;
            --p6: #c49a78; --p7: #f27d8f; --p8: #36587f;
          }
        }
        * { box-sizing: border-box; }
        html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
        body { margin: 0; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
        main, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.5rem; }
        header { padding: 3.5rem 0 0; }
        .kind { margin: 0; color: var(--muted); letter-spacing: .02em; }
        h1 { margin: .1rem 0 .5rem; font-size: 2.1rem; line-height: 1.2; font-weight: 650;
          letter-spacing: -.015em; overflow-wrap: anywhere; }
        h2 { margin: 0 0 .5rem; font-size: 1.35rem; line-height: 1.3; font-weight: 650;
          letter-spacing: -.01em; }
        h3 { margin: 1.5rem 0 .25rem; font-size: 1.05rem; overflow-wrap: anywhere; }
        p { max-width: 46rem; margin: 0 0 1rem; }
        .lead { color: var(--muted); }
        section { padding: 3rem 0 0; }
        .muted, figcaption, caption, footer { color: var(--muted); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
          gap: 1px; margin: 1.5rem 0 0; background: var(--rule); border: 1px solid var(--rule);
          border-radius: 10px; overflow: hidden; }
        .tiles div { background: var(--raised); padding: .8rem 1rem .9rem; }
        .tiles dt { color: var(--muted); font-size: .85rem; }
        .tiles dd { margin: 0; font-size: 1.45rem; font-weight: 600; letter-spacing: -.01em;
          font-variant-numeric: tabular-nums; }
        .notices { list-style: none; margin: 0 0 1rem; padding: 0; max-width: 46rem; }
        .notices li { margin: 0 0 .5rem; padding: .1rem 0 .1rem .9rem;
          border-left: 3px solid var(--late); }
        .legend { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; list-style: none; padding: 0;
          margin: 0 0 1rem; overflow-wrap: anywhere; }
        .key { display: inline-block; width: .7em; height: .7em; border-radius: 50%;
          margin: 0 .45em 0 .1em; background: var(--c); }
        .drawings { display: grid; gap: 1.25rem 1.5rem; margin: 0 0 1.25rem; }
        .three { grid-template-columns: repeat(3, 1fr); }
        .two { grid-template-columns: repeat(2, 1fr); }
        figure { margin: 0; min-width: 0; break-inside: avoid; }
        figcaption { font-size: .9rem; margin: 0 0 .2rem; }
        svg { display: block; width: 100%; height: auto; overflow: visible; }
        .s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); }
        .s3 { --c: var(--s3); } .s4 { --c: var(--s4); } .s5 { --c: var(--s5); }
        .grid { stroke: var(--rule); } .axis { stroke: var(--muted); stroke-opacity: .6; }
        .tick { fill: var(--muted); font-size: 11px; font-variant-numeric: tabular-nums; }
        .reference { stroke: var(--muted); stroke-dasharray: 4 4; }
        .line { fill: none; stroke: var(--c); stroke-width: 1.75; stroke-linejoin: round;
          stroke-linecap: round; }
        .dashed { stroke-dasharray: 2 4; }
        .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1; }
        .dot.hollow { fill: var(--paper); stroke: var(--c); stroke-width: 1.75; }
        .dot.quiet { opacity: 0; } .dot.beyond { fill: var(--paper); stroke: var(--c);
          stroke-dasharray: 2 2; stroke-width: 1.5; }
        .dot.shown { opacity: 1; stroke: var(--ink); stroke-width: 1.75; }
        .whisker { stroke: var(--c); stroke-width: 2; stroke-opacity: .5; }
        .immature { fill: var(--shade); }
        .bar { fill: var(--s0); } .bar.late { fill: var(--late); }
        .bar.shown { fill-opacity: .75; }
        .window, .zero { stroke: var(--ink); stroke-width: 1.25; }
        .zero { stroke-opacity: .35; }
        .window-label { fill: var(--ink); font-size: 12px; }
        .place-0 { fill: var(--p0); } .place-1 { fill: var(--p1); } .place-2 { fill: var(--p2); }
        .place-3 { fill: var(--p3); } .place-4 { fill: var(--p4); } .place-5 { fill: var(--p5); }
        .place-6 { fill: var(--p6); } .place-7 { fill: var(--p7); } .place-8 { fill: var(--p8); }
        .share { display: grid; grid-template-columns: 7rem 1fr; align-items: center;
          margin: 0 0 .5rem; }
        .share span { color: var(--muted); font-size: .9rem; }
        .share svg { height: 14px; border-radius: 4px; overflow: hidden; }
        .chip { display: inline-block; width: .7em; height: .7em; margin-right: .5em; }
        .interval { width: 140px; height: 18px; }
        .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
        .scroll { overflow-x: auto; margin: 0 0 1.5rem; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        caption { text-align: left; padding: .25rem 0; font-size: .9rem; }
        th, td { padding: .4rem .9rem .4rem 0; text-align: left; vertical-align: baseline;
          border-bottom: 1px solid var(--rule); font-weight: 400; }
        thead th { color: var(--muted); font-size: .85rem; white-space: nowrap; }
        th.number, td.number { text-align: right; white-space: nowrap; padding: .4rem 0 .4rem .9rem; }
        th .muted { font-size: .85rem; margin-left: .4em; }
        .digest { font: .85rem ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
        .dense { font-size: .85rem; } .dense th[scope=row] { white-space: nowrap; }
        .short th[scope=row] { white-space: nowrap; } .short svg { display: inline-block; vertical-align: middle; }
        .keys { font-size: .9rem; } .keys td { overflow-wrap: anywhere; min-width: 8rem; }
        code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
        .differs { color: var(--late); font-weight: 600; }
        details { margin: 0 0 1rem; }
        summary { cursor: pointer; color: var(--s0); margin: 0 0 .5rem; }
        footer { padding-top: 3rem; padding-bottom: 3rem; font-size: .9rem; }
        #read-out { position: fixed; z-index: 1; max-width: 22rem; padding: .35rem .6rem;
          border-radius: 6px; background: var(--ink); color: var(--paper); font-size: .85rem;
          line-height: 1.35; pointer-events: none; overflow-wrap: anywhere; }
        @media (max-width: 60rem) { .three { grid-template-columns: repeat(2, 1fr); } }
        @media (max-width: 44rem) {
          main, footer { padding-left: 1rem; padding-right: 1rem; }
          header { padding-top: 1.75rem; } h1 { font-size: 1.6rem; } section { padding-top: 2.25rem; }
          .three, .two { grid-template-columns: 1fr; }
          th .muted { display: block; margin: 0; white-space: normal; }
          .short { font-size: .85rem; } .interval { width: 88px; height: 12px; }
          th.number, td.number { padding-left: .6rem; }
        }
        @media print {
          :root { --paper: #fff; --raised: #fff; --ink: #000; }
          body { font-size: 10.5pt; } main, footer { max-width: none; padding: 0; }
          .three { grid-template-columns: repeat(3, 1fr); }
          section, .scroll { break-inside: avoid-page; } summary { color: inherit; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }

        """
}
