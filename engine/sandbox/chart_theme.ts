/**
 * How charts look where a specification does not say. Owns: the two themes. Pure.
 */
import type { Config } from "vega-lite";

/** A theme of the studio. */
export type ChartTheme = "light" | "dark";

/** Tells eight series apart, also for most colour-blind readers; lighter on a dark page. */
const SERIES: Record<ChartTheme, string[]> = {
  light: ["#3b6ea5", "#c8702a", "#4d8a57", "#a14a58", "#7661a6", "#8a7440", "#3f8c8c", "#6b7280"],
  dark: ["#7fb0e3", "#e9a15e", "#86c191", "#e08a97", "#b3a0e0", "#cdb777", "#7cc7c7", "#a3abb8"],
};

const INK: Record<ChartTheme, { text: string; quiet: string; line: string }> = {
  light: { text: "#24292f", quiet: "#57606a", line: "#e3e6ea" },
  dark: { text: "#e6e9ed", quiet: "#a3abb8", line: "#333a44" },
};

const FONT = "system-ui, sans-serif";

/**
 * Defaults of a theme: no background, so that the page shows through, the system's font and calm colours.
 *
 * @example
 * ```ts
 * if (chartConfig("dark").background !== "transparent") throw new Error("not see-through");
 * ```
 */
export function chartConfig(theme: ChartTheme): Config {
  const { text, quiet, line } = INK[theme];
  const series = SERIES[theme];
  const label = { labelColor: quiet, labelFont: FONT, labelFontSize: 11 };
  const title = { titleColor: text, titleFont: FONT, titleFontSize: 12, titleFontWeight: 500 } as const;
  return {
    background: "transparent",
    font: FONT,
    padding: 8,
    view: { stroke: "transparent", continuousWidth: 480, continuousHeight: 260 },
    title: { color: text, font: FONT, fontSize: 14, fontWeight: 600, anchor: "start", subtitleColor: quiet },
    axis: {
      ...label,
      ...title,
      domainColor: line,
      gridColor: line,
      tickColor: line,
      titlePadding: 8,
      labelPadding: 4,
    },
    axisX: { grid: false },
    legend: { ...label, ...title, symbolType: "circle" },
    header: { ...label, ...title },
    range: { category: series, ordinal: { scheme: "blues" } },
    mark: { color: series[0] },
    text: { color: text, font: FONT },
    line: { strokeWidth: 2 },
    rule: { color: quiet },
  };
}
