// Where cm-lsp is, and whether it is new enough. Pure: what is on the disk comes in as questions.

export const VERSION_MIN = '0.1.0';

export interface Machine {
  /** The user's `codementor.server.command`; empty when unset. */
  readonly configured: readonly string[];
  readonly extensionFolder: string;
  readonly path: readonly string[];
  readonly isWindows: boolean;
  isExecutable(file: string): Promise<boolean>;
  /** The Python extension's interpreter for this workspace, if there is one. */
  pythonInterpreter(): Promise<string | undefined>;
  join(...parts: readonly string[]): string;
  folderOf(file: string): string;
}

export interface Launch {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly foundBy: 'setting' | 'bundled' | 'PATH' | 'python';
}

/** In this order: the setting, what the extension brings along, PATH, beside the Python extension's interpreter. */
export async function find(machine: Machine): Promise<Launch | undefined> {
  const [program, ...rest] = machine.configured;
  if (program !== undefined) {
    return { program, arguments: rest, foundBy: 'setting' };
  }
  const name = machine.isWindows ? 'cm-lsp.exe' : 'cm-lsp';
  const bundled = machine.join(machine.extensionFolder, 'bundled', 'bin', name);
  if (await machine.isExecutable(bundled)) {
    return { program: bundled, arguments: [], foundBy: 'bundled' };
  }
  for (const folder of machine.path) {
    const file = machine.join(folder, name);
    if (folder !== '' && (await machine.isExecutable(file))) {
      return { program: file, arguments: [], foundBy: 'PATH' };
    }
  }
  const interpreter = await machine.pythonInterpreter();
  if (interpreter !== undefined) {
    const beside = machine.join(machine.folderOf(interpreter), name);
    if (await machine.isExecutable(beside)) {
      return { program: beside, arguments: [], foundBy: 'python' };
    }
  }
  return undefined;
}

/** Whether a version such as `1.2.3` (with or without a suffix) is at least another. Unreadable ones are not. */
export function isAtLeast(version: string | undefined, wanted: string): boolean {
  const have = numbers(version ?? '');
  const want = numbers(wanted);
  if (have === undefined || want === undefined) {
    return false;
  }
  for (const [index, part] of want.entries()) {
    const own = have[index] ?? 0;
    if (own !== part) {
      return own > part;
    }
  }
  return true;
}

function numbers(version: string): readonly number[] | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  return match ? match.slice(1).map((part) => Number(part || '0')) : undefined;
}
