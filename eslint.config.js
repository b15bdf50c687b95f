// House rules that a linter can check; prettier checks the layout, .dependency-cruiser.cjs the imports.
// Comments in source files cannot disable a rule: a wrong rule is changed here.

import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const language = [
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Use a named export, so that a thing has the same name everywhere.',
  },
  { selector: 'ExportAllDeclaration', message: 'No barrel files: import from the file that defines it.' },
  { selector: 'TSEnumDeclaration', message: 'Use an array `as const` and its union type.' },
  { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'Use a file as the namespace.' },
  {
    selector: 'TSParameterProperty',
    message: 'Declare the field: only erasable TypeScript syntax is allowed.',
  },
  { selector: 'Property[key.name="shell"]', message: 'Spawn with an argument array, never through a shell.' },
  {
    selector:
      'ImportDeclaration[source.value="node:child_process"] > ImportSpecifier[imported.name=/^exec(Sync)?$/]',
    message: 'Spawn with an argument array, never through a shell.',
  },
];

const pure = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
    message: 'src is pure: pass the time in.',
  },
  {
    selector: 'CallExpression[callee.object.name="Date"][callee.property.name="now"]',
    message: 'src is pure: pass the time in.',
  },
  {
    selector: 'CallExpression[callee.object.name="Math"][callee.property.name="random"]',
    message: 'src is pure: pass random numbers in.',
  },
];

const impureGlobals = [
  'process',
  'console',
  'performance',
  'fetch',
  'crypto',
  'setTimeout',
  'setInterval',
  'setImmediate',
].map((name) => ({ name, message: 'src is pure: pass in what it needs from outside.' }));

const tests = [
  {
    selector:
      'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|skip|todo|fails)$/]',
    message: 'Every test runs every time.',
  },
];

const browserGlobals = Object.fromEntries(
  [
    'window',
    'document',
    'EventSource',
    'fetch',
    'URL',
    'URLSearchParams',
    'FormData',
    'HTMLElement',
    'location',
  ]
    .concat(['navigator', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'console', 'Intl'])
    .map((name) => [name, 'readonly']),
);

export default defineConfig(
  globalIgnores(['dist/', '**/build/', 'coverage/', '.cache/', 'image-build/out/']),
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': ['error', ...language],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-implicit-coercion': ['error', { boolean: false }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { prefer: 'type-imports' }],
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...language, ...pure],
      'no-restricted-globals': ['error', ...impureGlobals],
    },
  },
  { files: ['test/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...language, ...tests] } },
  // tsc checks these files by their JSDoc types and also reports undefined names.
  { files: ['{appliance,test,image-build}/**/*.mjs'], rules: { 'no-undef': 'off' } },
  // Programs that tests run directly inside a namespace; tsc does not check them, but every test run executes them.
  { files: ['test/{netns,bench,proof}/**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
  { files: ['web/public/**/*.{js,mjs}'], languageOptions: { globals: browserGlobals } },
  {
    files: ['web/public/**/*.{js,mjs}', '*.{js,cjs}', '.*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: { module: 'writable' } } },
  // Tools require their configuration as the default export.
  { files: ['*.config.{js,ts}'], rules: { 'no-restricted-syntax': ['error', ...language.slice(1)] } },
  prettier,
);
