/** Light, dark or as the system has it. Owns: the cookie that tells the server, so that a page begins in its theme. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../components/Icon.tsx";

/** What a person can choose. */
export const THEMES = ["system", "light", "dark"] as const;

/** One of {@link THEMES}. */
export type Theme = typeof THEMES[number];

const YEAR_S = 31_536_000;

/** Draws the button that goes to the next theme. */
export function ThemeToggle({ theme: first }: { theme: Theme }): JSX.Element {
  const [theme, setTheme] = useState(first);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const change = () => {
    setTheme(next);
    document.cookie = `weft_theme=${next}; path=/; max-age=${YEAR_S}; samesite=strict`;
    document.documentElement.dataset.theme = next;
  };
  return (
    <button
      type="button"
      class="icon-button"
      title={`Theme: ${theme}`}
      aria-label={`Theme: ${theme}; change to ${next}`}
      onClick={change}
    >
      <Icon name="sun" />
    </button>
  );
}
