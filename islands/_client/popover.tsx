/**
 * A button with a panel that hangs below it, above everything else on the page. Owns: where the panel is, and that the
 * focus comes back. What closes it (Escape, a click elsewhere) is the browser's own.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Props of {@link Popover}. */
export interface PopoverProps {
  /** Class, name and title of the button. */
  class: string;
  label: string;
  title?: string;
  /** What the panel is to a screen reader. */
  role: "menu" | "dialog";
  /** On the button. */
  children: ComponentChildren;
  /** In the panel; `close` gives the focus back to the button. */
  panel: (close: () => void) => ComponentChildren;
}

const GAP_PX = 6;

/** Draws the button, and the panel while it is open. */
export function Popover(props: PopoverProps): JSX.Element {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={props.class}
        aria-label={props.label}
        aria-haspopup={props.role}
        aria-expanded={open}
        title={props.title ?? props.label}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown" || open) return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {props.children}
      </button>
      {open && (
        <Panel role={props.role} label={props.label} anchor={button} closed={() => setOpen(false)}>
          {props.panel(close)}
        </Panel>
      )}
    </>
  );
}

interface PanelProps {
  role: "menu" | "dialog";
  label: string;
  anchor: { readonly current: HTMLElement | null };
  closed: () => void;
  children: ComponentChildren;
}

function Panel({ role, label, anchor, closed, children }: PanelProps): JSX.Element {
  const own = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const node = own.current!;
    node.showPopover();
    place(node, anchor.current!);
    node.querySelector<HTMLElement>("button, a")?.focus();
  }, []);
  useEffect(() => {
    // It stands where the button was when it opened.
    const away = () => closed();
    addEventListener("scroll", away, { once: true });
    addEventListener("resize", away, { once: true });
    return () => {
      removeEventListener("scroll", away);
      removeEventListener("resize", away);
    };
  }, []);
  return (
    <div
      ref={own}
      popover="auto"
      class="popover"
      role={role}
      aria-label={label}
      onToggle={(event) => event.newState === "closed" && closed()}
      onKeyDown={(event) => walk(event, own.current!, anchor.current!, closed)}
    >
      {children}
    </div>
  );
}

/** Below the button, inside the window. */
function place(node: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = node;
  const room = document.documentElement.clientWidth;
  const left = Math.max(GAP_PX, Math.min(at.right - width, room - width - GAP_PX));
  const below = at.bottom + GAP_PX;
  const top = below + height > innerHeight ? Math.max(GAP_PX, at.top - height - GAP_PX) : below;
  node.style.left = `${left}px`;
  node.style.top = `${top}px`;
}

/** Arrows go from item to item; Tab leaves a menu. */
function walk(event: KeyboardEvent, node: HTMLElement, anchor: HTMLElement, closed: () => void): void {
  if (event.key === "Escape" || (event.key === "Tab" && node.getAttribute("role") === "menu")) {
    event.preventDefault();
    closed();
    anchor.focus();
    return;
  }
  const items = [...node.querySelectorAll<HTMLElement>("button")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
  const next = to[event.key];
  if (next === undefined || items.length === 0) return;
  event.preventDefault();
  items[(next + items.length) % items.length]!.focus();
}
