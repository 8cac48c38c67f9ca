// Bundles the extension into two files: ours, read at activation, and the language client library, read when cm-lsp is
// first needed. Prints their sizes; refuses to grow past the limit.

import { build } from 'esbuild';
import { statSync } from 'node:fs';

const BYTES_MAX = 400 * 1024;

/** Parts of the library for what cm-lsp does not speak. `registerFeature` in languageClient.ts skips them. */
const LEFT_OUT = [
  'callHierarchy',
  'codeLens',
  'colorProvider',
  'completion',
  'configuration',
  'declaration',
  'diagnostic',
  'documentHighlight',
  'documentLink',
  'documentSymbol',
  'executeCommand',
  'fileSystemWatcher',
  'foldingRange',
  'formatting',
  'implementation',
  'inlayHint',
  'inlineCompletion',
  'inlineValue',
  'linkedEditingRange',
  'notebook',
  'reference',
  'rename',
  'selectionRange',
  'semanticTokens',
  'signatureHelp',
  'textDocumentContent',
  'typeDefinition',
  'typeHierarchy',
  'workspaceSymbol',
];

const leaveOut = {
  name: 'leave-out',
  setup({ onLoad }) {
    const files = new RegExp(`vscode-languageclient/lib/common/(${LEFT_OUT.join('|')})\\.js$`);
    onLoad({ filter: files }, () => ({
      contents: 'class LeftOut {} module.exports = new Proxy({}, { get: () => LeftOut });',
      loader: 'js',
    }));
  },
};

/** The two files find each other by name; nothing of one is copied into the other. */
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /languageClient\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './languageClient.js', external: true },
    );
  },
};

await build({
  entryPoints: ['src/extension.ts', 'src/languageClient.ts'],
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  minify: !process.argv.includes('--readable'),
  plugins: [leaveOut, apart],
  logLevel: 'warning',
});

const sizes = ['dist/extension.js', 'dist/languageClient.js'].map((file) => [file, statSync(file).size]);
const sum = sizes.reduce((bytes, [, size]) => bytes + size, 0);
console.log(
  [...sizes, ['together', sum]].map(([name, bytes]) => `${name} ${(bytes / 1024).toFixed(1)} KiB`).join(', '),
);
if (sum > BYTES_MAX) {
  console.error(`The bundle may have ${BYTES_MAX / 1024} KiB.`);
  process.exit(1);
}
