import { readFile } from "node:fs/promises";

/** One entry of a package-lock.json of version 3. */
export interface LockedPackage {
  /** Set where the entry installs a package under a name that is not its own. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly lockfileVersion: number;
  /** By their place from the folder of the lock file, `node_modules/pino`; the folder itself is "". */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const MARK = "node_modules/";
/** The hash of npm's integrity field: SHA-512 alone, since npm takes the weakest that is offered with others. */
const SHA512 = /^sha512-[\w+/]{86}==$/;

/** Reads a lock file. @throws {Error} where there is none, or no JSON. */
export async function readLockFile(path: string): Promise<LockFile> {
  return JSON.parse(await readFile(path, "utf8")) as LockFile;
}

/** The name under which a place installs a package; null for a folder of the checkout. */
export function packageName(place: string): string | null {
  const at = place.lastIndexOf(MARK);
  return at === -1 ? null : place.slice(at + MARK.length);
}

/**
 * Why npm might install other code by this lock file than its author had, a sentence for each reason; none where each
 * package is from npm's registry, under its own name, with its hash. Only the packages in `scripted` may run a program when
 * they are installed.
 */
export function lockFaults(lock: LockFile, scripted: readonly string[]): readonly string[] {
  const faults: string[] = [];
  if (lock.lockfileVersion !== 3) faults.push(`the lock file has version ${lock.lockfileVersion}, not 3`);
  for (const [place, entry] of Object.entries(lock.packages)) {
    const name = packageName(place);
    if (name === null) {
      if (place.startsWith("/") || place.split("/").includes(".."))
        faults.push(`${place} is not in the checkout`);
    } else if (entry.link === true || entry.resolved?.startsWith("file:") === true) {
      if (!name.startsWith("@tidings/")) faults.push(`${name} is a folder, and not one of ours`);
    } else faults.push(...packageFaults(name, entry));
    if (entry.hasInstallScript === true && !scripted.includes(name ?? "")) {
      faults.push(`${name ?? place} runs a program when it is installed`);
    }
  }
  return faults;
}

function packageFaults(name: string, entry: LockedPackage): readonly string[] {
  const faults: string[] = [];
  if (!SHA512.test(entry.integrity ?? "")) faults.push(`${name} has no SHA-512 hash`);
  if (entry.name !== undefined) faults.push(`${name} is really ${entry.name}`);
  // Without an address npm asks the registry for the name and the version.
  const home = `https://registry.npmjs.org/${name}/-/`;
  if (entry.resolved !== undefined && !entry.resolved.startsWith(home)) {
    faults.push(`${name} comes from ${entry.resolved}`);
  }
  return faults;
}

/** A place in a lock file, and the places of what it depends on. */
export interface TreeNode {
  readonly place: string;
  readonly entry: LockedPackage;
  readonly needs: readonly string[];
}

/**
 * A package and all that it needs to run, each once, itself first: its dependencies and theirs, and the optional and peer
 * dependencies that are installed. What is for development alone is left out.
 * @throws {Error} where the lock file lacks something that is needed.
 */
export function productionTree(lock: LockFile, from: string): readonly TreeNode[] {
  const nodes = new Map<string, TreeNode>();
  const waiting = [from];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (nodes.has(place)) continue;
    const entry = lock.packages[place];
    if (entry === undefined) throw new Error(`the lock file has no ${place}`);
    const needs = neededPlaces(lock, place, entry);
    nodes.set(place, { place, entry, needs });
    waiting.push(...needs);
  }
  return [...nodes.values()];
}

function neededPlaces(lock: LockFile, place: string, entry: LockedPackage): readonly string[] {
  const places: string[] = [];
  const optional = { ...entry.peerDependencies, ...entry.optionalDependencies };
  for (const name of Object.keys({ ...optional, ...entry.dependencies })) {
    const found = resolve(lock, place, name);
    if (found !== null) places.push(found);
    else if (!(name in optional)) throw new Error(`${place} needs ${name}, which the lock file lacks`);
  }
  return places;
}

/** Where Node.js would find a package that is imported at a place. */
function resolve(lock: LockFile, place: string, name: string): string | null {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    const candidate = folder === "" ? MARK + name : `${folder}/${MARK}${name}`;
    const entry = lock.packages[candidate];
    if (entry !== undefined) return entry.link === true ? (entry.resolved ?? candidate) : candidate;
    if (folder === "") return null;
  }
}
