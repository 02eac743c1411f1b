/** Gives `@xyflow/react` Preact's types: its `react` is `preact/compat`, as in the browser bundle. */
declare module "react" {
  import R = require("preact/compat");
  export = R;
}
