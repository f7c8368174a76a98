// Lint of the report's scripts. They share one scope: which names there are is checked by tsc.
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/leaflet.js"] },
  {
    files: ["**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "script", globals: { ...globals.browser, L: "readonly" } },
    rules: {
      ...js.configs.recommended.rules,
      "no-undef": "off",
      "no-unused-vars": ["error", { vars: "local" }],
      eqeqeq: "error", "no-var": "error", "prefer-const": "error", "no-implied-eval": "error",
      // Text of a catalog is never markup.
      "no-restricted-properties": ["error", ...["innerHTML", "outerHTML", "insertAdjacentHTML", "write"].map((property) => ({ property }))],
    },
  },
];
