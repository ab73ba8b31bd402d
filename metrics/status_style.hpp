// The status page's style sheet. Wide: tables. Narrow: each row becomes a card, its cells labelled by data-label.
// Without colour the marks and words remain. Only for metrics/status_page.cpp.
#pragma once

#include "metrics/html.hpp"

namespace ftpsgate::metrics {

inline constexpr html::markup status_style = R"css(
:root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6675; --line: #d5dae1; --paper: #fff; --band: #f4f6f8;
  --good: #176b3a; --warn: #8a5300; --bad: #b01525; --badpaper: #fdeeee; --warnpaper: #fdf4e3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ef; --soft: #9aa7b8; --line: #354050; --paper: #12171f;
  --band: #1a212c; --good: #62c98d; --warn: #e8b35c; --bad: #ff8a8f; --badpaper: #34191d; --warnpaper: #31260f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.25rem 1.5rem 2rem; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.25rem 1rem; }
h1 { font-size: 1.5rem; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.0625rem; margin: 2rem 0 0.5rem; }
h2 small { font-weight: normal; color: var(--soft); margin-left: 0.5rem; font-size: 0.875rem; }
header p { margin: 0; color: var(--soft); }
.mark { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .none { color: var(--soft); }
header .overall { font-size: 1.0625rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 0.75rem;
  margin: 1rem 0 0; }
.tiles div { border: 1px solid var(--line); border-radius: 0.375rem; padding: 0.5rem 0.75rem; }
.tiles dt { color: var(--soft); font-size: 0.8125rem; }
.tiles dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
.attention { border: 1px solid var(--line); border-left: 0.375rem solid var(--bad); border-radius: 0.375rem;
  background: var(--badpaper); margin: 1rem 0 0; padding: 0.625rem 1rem; }
.attention.mild { border-left-color: var(--warn); background: var(--warnpaper); }
.attention h2 { margin: 0 0 0.25rem; }
.attention ul { margin: 0; padding-left: 1.25rem; }
.attention li { overflow-wrap: anywhere; } .attention .mark { white-space: normal; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.375rem 0.75rem 0.375rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: 0.8125rem; white-space: nowrap; }
td { overflow-wrap: anywhere; } td.name { overflow-wrap: break-word; }
th.n, td.n { text-align: right; padding-right: 1.5rem; } td.n, td.keep { white-space: nowrap; overflow-wrap: normal; }
section { overflow-x: auto; }
td small, li small { color: var(--soft); font-size: 0.8125rem; }
td small { display: block; }
.empty { color: var(--soft); margin: 0.25rem 0; }
footer { margin-top: 2rem; padding-top: 0.75rem; border-top: 1px solid var(--line); color: var(--soft);
  font-size: 0.875rem; display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
a { color: inherit; text-underline-offset: 0.15em; }
@media (max-width: 44rem) {
  body { padding: 1rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 0.5rem; }
  thead { display: none; }
  table, tbody, tr, td { display: block; width: 100%; }
  tr { border: 1px solid var(--line); border-radius: 0.375rem; margin: 0 0 0.5rem; padding: 0.25rem 0.75rem; }
  td, td.n, td.keep, td.name { display: grid; grid-template-columns: 6.5rem 1fr; gap: 0 0.5rem; border: 0; padding: 0.125rem 0;
    text-align: left; white-space: normal; overflow-wrap: anywhere; }
  td::before { content: attr(data-label); color: var(--soft); font-size: 0.8125rem; }
  td > * { grid-column: 2; }
}
@media print { body { max-width: none; } tr { break-inside: avoid; } }
)css";

}  // namespace ftpsgate::metrics
