// Rules for the JavaScript of the console and of its tests. `make lint` runs them.
import js from "@eslint/js";
import globals from "globals";

const CONSOLE = "service/console";

// Imports go one way: what a folder may not import. A path of the console is relative.
const UPWARD = {
  "views/*": [],
  app: ["views"],
  ui: ["views", "app", "api"],
  api: ["views", "app", "ui", "locale"],
  text: ["views", "app", "ui", "api"],
};

const THIRD_PARTY = {
  regex: "^[^.]",
  message: "The console has no third-party code.",
};

const MAIN = {
  regex: "/main\\.js$",
  message: "main.js is the start: no module imports it.",
};

const OTHER_VIEW = {
  regex: "^\\.\\./(?!\\.\\./)",
  message: "A view imports no view of another area.",
};

const layers = Object.entries(UPWARD).map(([folder, above]) => ({
  files: [`${CONSOLE}/${folder}/**/*.js`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          THIRD_PARTY,
          MAIN,
          ...(folder === "views/*" ? [OTHER_VIEW] : []),
          ...above.map((name) => ({
            regex: `^(\\.\\.?/)+${name}/`,
            message: `${folder}/ does not import ${name}/: imports go one way.`,
          })),
        ],
      },
    ],
  },
}));

// Names that turn text into HTML or code, or that keep the token after the session.
const FORBIDDEN = [
  "innerHTML",
  "outerHTML",
  "insertAdjacentHTML",
  "setHTMLUnsafe",
  "parseHTMLUnsafe",
  "createContextualFragment",
  "parseFromString",
  "srcdoc",
  "localStorage",
  "indexedDB",
  "cookie",
  "cookieStore",
].join("|");

const syntax = [
  {
    selector: `Identifier[name=/^(${FORBIDDEN})$/]`,
    message: "Build elements with h(); keep the token in memory or sessionStorage.",
  },
  {
    selector: `Literal[value=/^(${FORBIDDEN})$/]`,
    message: "Build elements with h(); keep the token in memory or sessionStorage.",
  },
  {
    selector: "MemberExpression[object.name='document'][property.name=/^write/]",
    message: "Build elements with h().",
  },
  {
    selector: "CallExpression[callee.name='h'] Property[key.name='style']",
    message: "The policy forbids style attributes: use a class or element.style.",
  },
  {
    selector:
      "CallExpression[callee.property.name='setAttribute']" +
      "[arguments.0.value=/^(style|on.*)$/]",
    message: "The policy forbids this attribute.",
  },
];

const lazyImport = {
  selector: "ImportExpression",
  message: "All modules are imported at the start.",
};

const jsonParse = {
  selector: "MemberExpression[object.name='JSON'][property.name='parse']",
  message: "Values are text: text/json-text.js and api/ read replies.",
};

// Other programs' files, and what is built.
const IGNORED = [".venv/", "var/", "build/", "dist/", "service/api/openapi/swagger/"];

export default [
  { ignores: IGNORED },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: "latest", sourceType: "module" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", { code: 88, tabWidth: 2, ignoreUrls: true, ignoreStrings: true }],
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-script-url": "error",
      "no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_$", caughtErrors: "none" },
      ],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: [`${CONSOLE}/**/*.js`],
    languageOptions: { globals: globals.browser },
    rules: {
      "max-lines": ["error", 100],
      "no-restricted-imports": ["error", { patterns: [THIRD_PARTY] }],
      "no-restricted-syntax": ["error", ...syntax, lazyImport],
    },
  },
  {
    files: [`${CONSOLE}/{views,ui}/**/*.js`],
    rules: { "no-restricted-syntax": ["error", ...syntax, lazyImport, jsonParse] },
  },
  ...layers,
  {
    files: ["tests/**/*.js", "*.js"],
    languageOptions: { globals: globals.node },
  },
];
