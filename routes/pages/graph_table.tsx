/**
 * The graph as tables: for screen readers, and where there are no scripts. Owns: nothing but this view.
 */
import type { JSX } from "preact";
import type { PageState } from "../../components/cell/facts.ts";
import { count } from "../../components/cell/format.ts";
import { statusOf } from "../../components/cell/status.ts";

const WAYS = { reference: "uses its value", input: "takes it as an input", after: "comes after it" };

/** Draws cells and connections of a graph. */
export function GraphTable({ state }: { state: PageState }): JSX.Element {
  const { edges = [] } = state.graph ?? {};
  return (
    <details class="graph-table">
      <summary>{count(state.cells.length, "cell")}, {count(edges.length, "connection")}, as tables</summary>
      <table class="data">
        <caption>Cells</caption>
        <thead>
          <tr>
            <th scope="col">Cell</th>
            <th scope="col">Kind</th>
            <th scope="col">Needs</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {state.cells.map(({ name, kind, role, needs }) => (
            <tr key={name}>
              <th scope="row">
                <a href={`?view=page#${name}`}>{name}</a>
              </th>
              <td>{role === undefined ? kind : `${kind}, ${role}`}</td>
              <td>{needs.join(", ")}</td>
              <td>
                {statusOf(state.view?.cells[name] ?? state.past[name]?.cell, { now: state.now, needs }).word}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {edges.length > 0 && (
        <table class="data">
          <caption>Connections</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">How</th>
            </tr>
          </thead>
          <tbody>
            {edges.map(({ id, source, target, via, label }) => (
              <tr key={id}>
                <td>{label === undefined ? source : `${source}.${label}`}</td>
                <td>{target}</td>
                <td>{WAYS[via]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </details>
  );
}
