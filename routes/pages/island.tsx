/**
 * A place on a page where an island lives. Owns: the marks by which `hydrate.ts` finds it.
 */
import { type ComponentType, createContext, h, type JSX } from "preact";
import { useContext } from "preact/hooks";

/** Names of the islands that a page uses, collected while it is drawn. */
export const UsedIslands = createContext<Set<string>>(new Set());

/** Props of {@link Island}. */
export interface IslandProps<P extends object> {
  /** File name in `islands/`. */
  name: string;
  /** The island, to be drawn on the server too; without it, it begins in the browser. */
  of?: ComponentType<P>;
  /** JSON. */
  props: P;
  class?: string;
}

/** Draws an island's place. */
export function Island<P extends object>({ name, of, props, class: classes }: IslandProps<P>): JSX.Element {
  useContext(UsedIslands).add(name);
  const data = Object.keys(props).length === 0 ? undefined : JSON.stringify(props);
  return (
    <div
      class={classes ?? "island"}
      data-island={name}
      data-props={data}
      data-from={of === undefined ? undefined : "server"}
    >
      {of === undefined ? null : h(of as ComponentType<object>, props)}
    </div>
  );
}
