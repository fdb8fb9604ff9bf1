// Tables: caption, sorting, selection, paging, and the states of being loaded, empty or refused.
// Narrow windows show each row as a card. Roles are said outright, since cards have none.

import { html, useId } from "../view.js";
import { count } from "../format.js";
import { Icon } from "./icon.js";
import { Failure, Loading } from "./state.js";

const SIZES = [10, 25, 50, 100];

/**
 * `columns`: `{ label, cell: (row) => content, sort?: "name", wide?, end?, kind? }`; `kind` is a class of its
 * own, and the first column names the row.
 * `rows` undefined is loading. With `selected` (a Set of keys) and `onSelect` rows can be chosen;
 * with `total`, `page`, `size`, `onPage` there is paging; `empty` stands where there is nothing.
 */
export function Table(given) {
  const { caption, columns, rows, empty, error, onRetry, loading, selected, total } = given;
  if (error) return html`<${Failure} error=${error} onRetry=${onRetry} />`;
  if (!rows) return html`<${Loading} />`;
  if (!rows.length && !loading) return empty ?? null;
  return html`<div class="table-box" aria-busy=${loading ? "true" : "false"}>
    <${NarrowSort} ...${given} />
    <table role="table">
      <caption class="away">${caption}</caption>
      <thead role="rowgroup"><tr role="row">
        ${selected && html`<th role="columnheader" class="pick"><${PickAll} ...${given} /></th>`}
        ${columns.map((column) => html`<${Head} key=${column.label} column=${column} ...${given} />`)}
      </tr></thead>
      <tbody role="rowgroup">${rows.map((row) => html`<${Row} key=${keyOf(given, row)} row=${row} ...${given} />`)}</tbody>
    </table>
    ${total !== undefined && given.onPage && html`<${Paging} ...${given} />`}
  </div>`;
}

const keyOf = (given, row) => (given.rowKey ?? ((it) => it.id))(row);

function Head({ column, sort, onSort }) {
  const side = column.end ? "end" : "";
  if (!column.sort || !onSort) return html`<th role="columnheader" scope="col" class=${side}>${column.label}</th>`;
  const now = sort === column.sort ? "ascending" : sort === `-${column.sort}` ? "descending" : "none";
  const next = now === "ascending" ? `-${column.sort}` : column.sort;
  return html`<th role="columnheader" scope="col" aria-sort=${now} class=${side}>
    <button type="button" class="sort" onClick=${() => onSort(next)}>${column.label}
      ${now !== "none" && html`<${Icon} name=${now === "ascending" ? "up" : "down"} />`}</button>
  </th>`;
}

function Row({ row, columns, selected, onSelect, rowName, ...given }) {
  const key = keyOf(given, row);
  const toggle = () => {
    const next = new Set(selected);
    if (!next.delete(key)) next.add(key);
    onSelect(next);
  };
  const chosen = selected?.has(key);
  return html`<tr role="row" class=${chosen ? "chosen" : ""}>
    ${selected && html`<td role="cell" class="pick"><input type="checkbox" checked=${chosen} onChange=${toggle}
      aria-label="Select ${rowName ? rowName(row) : row.name ?? key}" /></td>`}
    ${columns.map((column, index) => {
      const tag = index === 0 ? "th" : "td";
      const role = index === 0 ? "rowheader" : "cell";
      const side = `${column.end ? "end" : ""} ${column.wide ? "wide" : ""} ${column.kind ?? ""}`;
      return html`<${tag} key=${column.label} role=${role} scope=${index === 0 ? "row" : undefined}
        class=${side} data-label=${column.label}><div class="cell">${column.cell(row)}</div><//>`;
    })}
  </tr>`;
}

function PickAll({ rows, selected, onSelect, ...given }) {
  const keys = rows.map((row) => keyOf(given, row));
  const all = keys.length > 0 && keys.every((key) => selected.has(key));
  const toggle = () => onSelect(new Set(all ? [] : keys));
  return html`<input type="checkbox" aria-label="Select all on this page" checked=${all}
    indeterminate=${!all && keys.some((key) => selected.has(key))} onChange=${toggle} />`;
}

/** Cards have no heads to click on. */
function NarrowSort({ columns, sort, onSort }) {
  const id = useId();
  const sortable = columns.filter((column) => column.sort);
  if (!onSort || !sortable.length) return null;
  return html`<p class="narrow-sort"><label for=${id}>Sort by</label>
    <select id=${id} value=${sort} onChange=${(event) => onSort(event.target.value)}>
      ${sortable.flatMap((column) => [["", "ascending"], ["-", "descending"]].map(([sign, words]) => {
        const value = sign + column.sort;
        return html`<option key=${value} value=${value} selected=${value === sort}>${column.label}, ${words}</option>`;
      }))}
    </select></p>`;
}

/** `1 – 25 of 312 items`. */
function Paging({ caption, page, size, total, onPage, onSize }) {
  const id = useId();
  const from = total ? (page - 1) * size + 1 : 0;
  const until = Math.min(total, page * size);
  const turn = (label, icon, to, off) => html`<button type="button" class="bare" aria-label=${label}
    disabled=${off} onClick=${() => onPage(to)}><${Icon} name=${icon} /></button>`;
  return html`<nav class="paging" aria-label="Pages of ${caption}">
    <span class="page-size"><label for=${id}>Items per page</label>
      <select id=${id} value=${size} onChange=${(event) => onSize(Number(event.target.value))}>
        ${SIZES.map((it) => html`<option key=${it} value=${it} selected=${it === size}>${it}</option>`)}
      </select></span>
    <span aria-live="polite">${count(from)} – ${count(until)} of ${count(total)} items</span>
    <span>${turn("Previous page", "left", page - 1, page <= 1)}
      ${turn("Next page", "right", page + 1, until >= total)}</span>
  </nav>`;
}
